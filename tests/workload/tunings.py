"""Simulated tunings: statements, their calls, and the load they share, summed up per pass as collect() stores them.

Every call has a duration of its own: lognormal, of one of two plans, times what the minute makes of it (traffic, a load with
memory, a noisy neighbour), so calls of a minute share its load. Calls are drawn beforehand and taken in runs from the pool.
"""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from wedding_dbopt.tuning.comparison import Slice
from wedding_dbopt.tuning.judgement import Judgement, Rules, Sample
from wedding_dbopt.tuning.looks import due
from wedding_dbopt.tuning.verify import judge

from tests.workload.traffic import poisson

#: Calls drawn for each statement.
POOL = 6000
#: Minutes simulated before and after the change.
BEFORE, AFTER = 120, 90
RULES = Rules(
    age_s=0, min_calls=50, min_window_s=1800, max_window_s=60 * AFTER, min_gain=0.05, regression=0.10
)


@dataclass(frozen=True)
class Scenario:
    """What happens besides the change. `surge` multiplies the traffic from `surge_at` on (minutes since the change)."""

    name: str
    surge: float = 1.0
    surge_at: float | None = 0.0
    load: float = 0.08
    memory: float = 0.9
    drift: float = 0.0
    wave: float = 0.0
    deploy: bool = False
    neighbour: bool = False
    controls: int = 20
    week: bool = False
    tails: float = 1.0


SCENARIOS = (
    Scenario("noise"),
    Scenario("load with memory", load=0.25, memory=0.97),
    Scenario("heavy tails", tails=1.5),
    Scenario("drift of a third an hour", drift=0.33),
    Scenario("daily wave, a week of history", wave=0.5, week=True),
    Scenario("traffic x4 with the change", surge=4.0),
    Scenario("traffic x10 with the change", surge=10.0),
    Scenario("traffic x10 at any time", surge=10.0, surge_at=None),
    Scenario("traffic falls to a tenth", surge=0.1),
    Scenario("deploy at any time", deploy=True),
    Scenario("noisy neighbour", neighbour=True),
    Scenario("all of it, x4", surge=4.0, surge_at=None, load=0.15, drift=0.1, deploy=True, neighbour=True, wave=0.3, week=True),
    Scenario("three controls, x4", controls=3, surge=4.0),
    Scenario("no control, load with memory", controls=0, load=0.15, memory=0.95),
)  # fmt: skip


class Pool:
    """Calls in units of their mean, as running sums of milliseconds, their squares and blocks."""

    def __init__(self, chance: random.Random, variation: float, slow_plan: float) -> None:
        deviation = math.sqrt(math.log(1 + variation**2))
        calls = [
            math.exp(chance.gauss(-(deviation**2) / 2, deviation)) * (6 if chance.random() < slow_plan else 1)
            for _ in range(POOL)
        ]
        usual = sum(calls) / POOL
        pages = [math.sqrt(call) * math.exp(chance.gauss(0, 0.2)) for call in calls]
        pages_usual = sum(pages) / POOL
        twice = [call / usual for call in calls] * 2
        self.durations = [0.0, *itertools.accumulate(twice)]
        self.squares = [0.0, *itertools.accumulate(call * call for call in twice)]
        self.touched = [0.0, *itertools.accumulate(page / pages_usual for page in pages * 2)]

    def run(self, chance: random.Random, calls: int) -> tuple[float, float, float]:
        """The sums of so many calls in a row."""
        ms = squares = blocks = 0.0
        while calls > 0:
            part = min(calls, POOL)
            start = chance.randrange(POOL)
            ms += self.durations[start + part] - self.durations[start]
            squares += self.squares[start + part] - self.squares[start]
            blocks += self.touched[start + part] - self.touched[start]
            calls -= part
        return ms, squares, blocks


@cache
def pools(tails: float) -> list[Pool]:
    """Twenty-four kinds of calls, a quarter of them with a second, slower plan."""
    chance = random.Random(7)
    return [
        Pool(chance, tails * (0.3 + number / 23), (0.0, 0.0, 0.03, 0.1)[number % 4]) for number in range(24)
    ]


@dataclass(frozen=True)
class Shape:
    """How a statement behaves: calls a minute, ms and blocks per call, answer to load, its own daily wave."""

    pool: Pool
    rate: float
    mean: float
    blocks: float
    answer: float
    wave: float

    def run(
        self, chance: random.Random, calls: int, slower: float, more: float
    ) -> tuple[float, float, float]:
        """Milliseconds, their squares and blocks of some calls, rounded as the samples are."""
        ms, squares, blocks = self.pool.run(chance, calls)
        unit = self.mean * slower
        return (
            round(1000 * ms * unit) / 1000,
            struct.unpack("f", struct.pack("f", squares * unit * unit))[0],
            float(round(blocks * self.blocks * more)),
        )


def shape(chance: random.Random, tails: float = 1.0, rate: float | None = None) -> Shape:
    return Shape(
        pool=chance.choice(pools(tails)),
        rate=rate or math.exp(chance.uniform(math.log(4), math.log(150))),
        mean=math.exp(chance.uniform(math.log(0.2), math.log(30))),
        blocks=chance.uniform(10, 400),
        answer=chance.uniform(0.6, 1.4),
        wave=chance.uniform(-0.1, 0.1),
    )


@dataclass(frozen=True)
class Effect:
    """What the change does to a subject from the change on: factors of time and blocks."""

    time: float = 1.0
    blocks: float = 1.0


@dataclass(frozen=True)
class Subject:
    role: str
    shape: Shape
    effect: Effect = Effect()
    critical: bool = False


class Tuning:
    """One tuning under a scenario; its change happens in minute 0, and it is looked at as the tuner does."""

    def __init__(
        self, scenario: Scenario, chance: random.Random, subjects: list[Subject], before: int = BEFORE
    ) -> None:
        self._scenario = scenario
        self._chance = chance
        self._before = before
        self._hour = chance.randrange(24)
        self._subjects = [
            *subjects,
            *(Subject("control", shape(chance, scenario.tails)) for _ in range(scenario.controls)),
        ]
        self._surge_at = chance.uniform(-before, AFTER) if scenario.surge_at is None else scenario.surge_at
        self._deploy_at = chance.uniform(-before, AFTER) if scenario.deploy else math.inf
        self._deployed = [
            math.exp(chance.gauss(0, 0.4)) if chance.random() < 0.25 else 1.0 for _ in self._subjects
        ]
        self._gone = [
            subject.role == "control" and scenario.deploy and chance.random() < 0.1
            for subject in self._subjects
        ]
        self._neighbour_at = chance.uniform(-before, AFTER) if scenario.neighbour else math.inf
        self._shared = 0.0
        self._minutes: list[list[Slice]] = [[] for _ in self._subjects]
        self._clock = -before
        if scenario.week:
            self._earlier_days()
        self._advance(0)

    # ------------------------------------------------------------------ the world

    def _traffic(self, minute: float) -> float:
        scenario = self._scenario
        daily = 1 + scenario.wave * math.sin(2 * math.pi * (self._hour + minute / 60) / 24)
        return daily * (scenario.surge if minute >= self._surge_at else 1.0)

    def _load(self, minute: float, traffic: float) -> float:
        """The log of what the machine makes of a call."""
        scenario = self._scenario
        self._shared = scenario.memory * self._shared + self._chance.gauss(
            0, scenario.load * math.sqrt(1 - scenario.memory**2)
        )
        neighbour = 0.5 if self._neighbour_at <= minute < self._neighbour_at + 25 else 0.0
        return 0.35 * math.log(traffic) + self._shared + scenario.drift * minute / 60 + neighbour

    def _advance(self, until: int) -> None:
        """Run the minutes up to one."""
        for minute in range(self._clock, until):
            self._run(minute, 60.0 * minute, self._traffic(minute), 1)
        self._clock = max(self._clock, until)

    def _earlier_days(self) -> None:
        """Hourly sums of the same hours on the seven days before."""
        for day in range(7, 0, -1):
            for hour in (-1, 0, 1):
                minute = -1440 * day + 60 * hour
                daily = 1 + self._scenario.wave * math.sin(2 * math.pi * (self._hour + hour) / 24)
                self._run(minute, 60.0 * minute, daily, 60)

    def _run(self, minute: float, begun: float, traffic: float, length: int) -> None:
        load = self._load(minute if length == 1 else 0, traffic)
        hour = math.floor(self._hour + minute / 60) % 24
        deployed = minute >= self._deploy_at
        for number, subject in enumerate(self._subjects):
            one = subject.shape
            if deployed and self._gone[number]:
                continue
            calls = poisson(one.rate * traffic * length, self._chance)
            if not calls:
                continue
            own = 1 + one.wave * math.sin(2 * math.pi * (self._hour + minute / 60) / 24)
            mix = self._deployed[number] if deployed else 1.0
            effect = subject.effect if minute >= 0 else Effect()
            sums = one.run(
                self._chance,
                calls,
                own * mix * effect.time * math.exp(one.answer * load),
                mix * effect.blocks,
            )
            self._minutes[number].append(Slice(begun, hour, calls, *sums))

    # ------------------------------------------------------------------ the looks

    def samples(self, minute: int) -> list[Sample]:
        """The samples of a look so many minutes after the change."""
        self._advance(minute)
        width = 60 if minute <= 30 else 300
        found = []
        for number, (subject, slices) in enumerate(zip(self._subjects, self._minutes, strict=True)):
            merged = _merged(slices, width)
            found.append(
                Sample(
                    number,
                    subject.role,
                    tuple(s for s in merged if s.begun < 0),
                    tuple(s for s in merged if s.begun >= 0),
                    4.0 if subject.critical else 1.0,
                    None,
                    subject.critical,
                )
            )
        return found

    def looks(self, rules: Rules = RULES) -> Iterator[tuple[int, Judgement]]:
        """Each look with its minute, until a verdict."""
        looks, last = 0, 0.0
        for minute in range(1, round(rules.max_window_s / 60) + 1):
            age = 60.0 * minute
            if not due(age, looks, last) and age < rules.max_window_s:
                continue
            looks, last = looks + 1, age
            judged = judge(self.samples(minute), replace(rules, age_s=age, look=looks))
            yield minute, judged
            if judged.verdict != "undecided":
                return


def _merged(slices: list[Slice], width: int) -> list[Slice]:
    if width == 60:
        return slices
    bins: dict[int, list[Slice]] = {}
    for one in slices:
        bins.setdefault(math.floor(one.begun / width), []).append(one)
    return [
        Slice(
            width * place if len(inside) > 1 else inside[0].begun,
            inside[0].hour,
            sum(s.calls for s in inside),
            sum(s.ms for s in inside),
            sum(s.squares for s in inside),
            sum(s.blocks for s in inside),
        )
        for place, inside in sorted(bins.items())
    ]


# ---------------------------------------------------------------------- outcomes


def nothing(scenario: Scenario, seed: int) -> str:
    """A tuning that changes nothing: gain, regression or none, whatever was said at any look.

    In every other one the index is used, so that a read's time alone may speak.
    """
    chance = random.Random(seed)
    subjects = [
        *(Subject("affected", shape(chance, scenario.tails), critical=chance.random() < 0.3) for _ in range(3)),
        *(Subject("written", shape(chance, scenario.tails), critical=chance.random() < 0.5) for _ in range(2)),
    ]  # fmt: skip
    rules = replace(RULES, uses=1000 if seed % 2 else None)
    for _, judged in Tuning(scenario, chance, subjects).looks(rules):
        if any(one.verdict == "regressed" for one in judged.statements):
            return "regression"
        if judged.verdict == "kept":
            return "gain"
    return "none"


def found_gain(scenario: Scenario, seed: int, gain: float = 0.2, calls: int = 500) -> bool:
    """Whether a true gain in time and blocks is seen with so many calls a side, half an hour each."""
    chance = random.Random(seed)
    changed = Effect(1 - gain, 1 - gain)
    rate = calls / 30 / min(scenario.surge, 1.0)
    subjects = [Subject("affected", shape(chance, scenario.tails, rate), changed)]
    rules = replace(RULES, max_window_s=1800)
    return any(judged.verdict == "kept" for _, judged in Tuning(scenario, chance, subjects, 30).looks(rules))


def reverted_at(
    scenario: Scenario, seed: int, factor: float = 2.0, rate: float = 60.0, blocks: float = 2.0
) -> int | None:
    """The look at which a critical statement's slowing is reverted, within the first ten minutes; the index is used."""
    chance = random.Random(seed)
    role = chance.choice(["affected", "written"])
    subjects = [
        Subject(
            role,
            shape(chance, scenario.tails, rate / min(scenario.surge, 1.0)),
            Effect(factor, blocks),
            critical=True,
        ),
        Subject("affected", shape(chance, scenario.tails), Effect(0.5, 0.5)),
    ]
    rules = replace(RULES, max_window_s=600, uses=1000)
    for minute, judged in Tuning(scenario, chance, subjects).looks(rules):
        if judged.verdict == "rolled_back":
            return minute if "slower" in judged.reason else None
    return None


def harmless_price(scenario: Scenario, seed: int, rate: float = 60.0) -> bool:
    """Whether an index is undone within ten minutes because a critical write touches half as many blocks more, at 5 % of time."""
    chance = random.Random(seed)
    subjects = [
        Subject(
            "written",
            shape(chance, scenario.tails, rate / min(scenario.surge, 1.0)),
            Effect(1.05, 1.5),
            critical=True,
        ),
        Subject("affected", shape(chance, scenario.tails), Effect(0.5, 0.5)),
    ]
    return any(
        judged.verdict == "rolled_back" and "slower" in judged.reason
        for _, judged in Tuning(scenario, chance, subjects).looks(replace(RULES, max_window_s=600))
    )
