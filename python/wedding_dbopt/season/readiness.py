"""What breaks first when the load of the season comes: a queueing model on measured figures.

The processors are the queue. Each statement's CPU per call is its share of what the machine really used; the work of all
statements, multiplied, is the utilisation; and whatever runs is stretched by processor sharing among c processors. The
stretch is 1 + u^(sqrt(2(c+1))-1) / (c(1-u)), the mean wait of H. Sakasegawa (An approximation formula for L_q, Annals of the
Institute of Statistical Mathematics 29, 1977) in units of service. Percentiles of a context are those of the mixture of its
statements, each lognormal with its own mean and deviation, as `context_percentiles` takes them. Times in milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

STEP = 1.05
MOST = 60.0
PERCENTILE = 0.95
FULL = 0.999  # beyond it the queue has no end


@dataclass(frozen=True)
class Statement:
    """A statement as measured: calls per second, mean and deviation of its time, and what changes it until the season.

    `scanning` is the share of its planned cost that grows with the tables, `mended` what the proposed actions leave of its time.
    """

    key: str
    context: str
    rate: float
    mean: float
    deviation: float
    scanning: float = 0.0
    mended: float = 1.0


@dataclass(frozen=True)
class Machine:
    """Processors, what they do without this load, and what they do with it (both in processors)."""

    cpus: float
    at_rest: float
    busy: float


@dataclass(frozen=True)
class Scenario:
    """Where the load goes: per context the multiple of the measured load, and how the tables grow until then."""

    name: str
    factors: Mapping[str, float]
    growth: float = 1.0

    def factor(self, context: str) -> float:
        return self.factors.get(context, self.factors.get("all", 1.0))


@dataclass(frozen=True)
class State:
    """The platform at one multiple of the measured load."""

    factor: float
    utilisation: float
    stretch: float
    p95: Mapping[str, float]
    sessions: float


@dataclass(frozen=True)
class Break:
    """What gives way at a multiple of the measured load, and why."""

    what: str
    factor: float
    reason: str


@dataclass
class Model:
    """Predicts states of a scenario; the CPU of each call is fitted to what the machine used."""

    statements: Sequence[Statement]
    machine: Machine
    scenario: Scenario
    objectives: Mapping[str, float]
    with_actions: bool = False
    cpu_share: float = field(init=False)
    stretched_now: float = field(init=False)
    whole: float = field(init=False)

    def __post_init__(self) -> None:
        executing = sum(one.rate * one.mean for one in self.statements) / 1000
        used = max(self.machine.busy - self.machine.at_rest, 0.0)
        self.cpu_share = min(1.0, used / executing) if executing > 0 and used > 0 else 1.0
        self.stretched_now = stretch(min(self.machine.busy / self.machine.cpus, 0.98), self.machine.cpus)
        calls = sum(one.rate for one in self.statements)
        weighed = sum(one.rate * self.scenario.factor(one.context) for one in self.statements)
        self.whole = weighed / calls if calls > 0 else 1.0

    def work(self, one: Statement) -> float:
        """What is left of a statement's own work in the scenario, against today's."""
        grown = 1 + one.scanning * (self.scenario.growth - 1)
        return grown * (one.mended if self.with_actions else 1.0)

    def at(self, factor: float) -> State:
        """The platform when the whole load is `factor` times the measured one, in the scenario's mix."""
        pace = factor / self.whole
        rates = {one.key: one.rate * pace * self.scenario.factor(one.context) for one in self.statements}
        cpu = sum(rates[one.key] * one.mean * self.cpu_share * self.work(one) for one in self.statements)
        utilisation = (self.machine.at_rest + cpu / 1000) / self.machine.cpus
        now = stretch(utilisation, self.machine.cpus)
        change = now / self.stretched_now
        p95 = {}
        for context in self.objectives:
            mine = [
                (rates[one.key], one.mean * self.work(one) * change, one.deviation * self.work(one) * change)
                for one in self.statements
                if one.context == context and rates[one.key] > 0
            ]
            if mine:
                p95[context] = math.inf if math.isinf(change) else percentile(mine, PERCENTILE)
        sessions = sum(rates[one.key] * one.mean * self.work(one) for one in self.statements) / 1000 * change
        return State(factor, utilisation, now, p95, sessions)

    def breaks(self, usable_sessions: float | None = None) -> list[Break]:
        """Everything that gives way up to sixty times the measured load, the first one first."""
        found: dict[str, Break] = {}
        steps = math.ceil(math.log(MOST * 10) / math.log(STEP))
        for number in range(steps + 1):
            state = self.at(0.1 * STEP**number)
            for context, p95 in state.p95.items():
                if p95 > self.objectives[context]:
                    shown = "without end" if math.isinf(p95) else f"{p95:.0f} ms"
                    reason = (
                        f"its p95 would be {shown} at {100 * state.utilisation:.0f} % CPU, "
                        f"the objective is {self.objectives[context]:g} ms"
                    )
                    found.setdefault(context, Break(context, state.factor, reason))
            if state.utilisation >= 0.9:
                found.setdefault(
                    "cpu", Break("cpu", state.factor, f"{self.machine.cpus:g} CPUs would be 90 % busy")
                )
            if usable_sessions is not None and state.sessions > usable_sessions:
                reason = f"{usable_sessions:.0f} server sessions would all be executing"
                found.setdefault("sessions", Break("sessions", state.factor, reason))
        return sorted(found.values(), key=lambda one: (one.factor, one.what != "cpu", one.what))


def stretch(utilisation: float, cpus: float) -> float:
    """By how much sharing c processors lengthens what runs; infinite when there is more work than they can do.

    >>> stretch(0.0, 2), round(stretch(0.5, 1), 6), stretch(1.2, 2)
    (1.0, 2.0, inf)
    """
    if utilisation >= FULL:
        return math.inf
    load = max(utilisation, 0.0)
    return 1 + math.pow(load, math.sqrt(2 * (cpus + 1)) - 1) / (cpus * (1 - load))


def percentile(mixture: Sequence[tuple[float, float, float]], share: float) -> float:
    """The percentile of a mixture of lognormals (weight, mean, deviation), by bisection.

    >>> round(percentile([(1.0, 10.0, 0.0)], 0.95), 1)
    10.0
    """
    total = sum(weight for weight, _, _ in mixture)
    shapes = []
    for weight, mean, deviation in mixture:
        sigma = math.sqrt(math.log1p((deviation / mean) ** 2)) if mean > 0 else 0.0
        shapes.append((weight / total, math.log(max(mean, 1e-9)) - sigma * sigma / 2, max(sigma, 1e-6)))
    low, high = -25.0, max(centre + 8 * sigma for _, centre, sigma in shapes)
    for _ in range(60):
        middle = (low + high) / 2
        below = sum(weight * _normal((middle - centre) / sigma) for weight, centre, sigma in shapes)
        low, high = (middle, high) if below < share else (low, middle)
    return math.exp(high)


def _normal(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
