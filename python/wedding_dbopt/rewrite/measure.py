"""What both forms of a statement really cost: buffers and time, in turn, so that both meet the same load.

The noise is measured in the same run: how far the runs of one form lie apart. A difference within it decides nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wedding_dbopt.database import TimeLimitReached
from wedding_dbopt.plan import Plan
from wedding_dbopt.planning import Execution

ROUNDS = 4
MIN_GAIN = 0.05
LEAST_NOISE = 0.25  # what two equal forms may differ in time on a shared machine
SMALL_MS = 0.2  # differences below this are the clock's


@dataclass(frozen=True)
class Limits:
    """Seconds for one comparison of real rows and for the search; above `rows` expected rows nothing is compared."""

    seconds: float = 5.0
    search_seconds: float = 4.0
    rows: int = 1_000_000
    seeds: int = 1


@dataclass(frozen=True)
class Measured:
    """The fastest of some runs of a form; None where it did not end in time."""

    ms: float
    buffers: int
    rows: int
    runs: int
    noise: float
    plan: Plan

    def as_json(self) -> dict[str, Any]:
        return {"ms": round(self.ms, 3), "buffers": self.buffers, "rows": self.rows, "runs": self.runs}


@dataclass(frozen=True)
class Pair:
    """Both forms, measured in turn with the same constants; `alone` tells that there is no second form."""

    constants: str
    before: Measured | None
    after: Measured | None
    alone: bool = False

    @property
    def noise(self) -> float:
        return max(LEAST_NOISE, *(form.noise for form in (self.before, self.after) if form is not None))

    @property
    def judgement(self) -> str:
        """`better`, `worse` or `same`; a form that does not end in time is worse than one that does."""
        if self.before is None or self.after is None:
            return "same" if self.before is self.after else "better" if self.before is None else "worse"
        slower = (
            self.after.ms > self.before.ms * (1 + self.noise) and self.after.ms > self.before.ms + SMALL_MS
        )
        faster = (
            self.after.ms < self.before.ms / (1 + self.noise) and self.after.ms < self.before.ms - SMALL_MS
        )
        fewer = self.after.buffers <= (1 - MIN_GAIN) * self.before.buffers
        if slower:
            return "worse"
        return "better" if faster or fewer else "same"

    @property
    def time_gain(self) -> float:
        """The share of the time that is saved, 0 where it is not known."""
        if self.before is None or self.after is None or self.before.ms <= 0:
            return 0.0
        return 1 - self.after.ms / self.before.ms

    @property
    def buffer_gain(self) -> float:
        """The share of the buffers that is saved, 0 where it is not known."""
        if self.before is None or self.after is None or not self.before.buffers:
            return 0.0
        return 1 - self.after.buffers / self.before.buffers

    def as_json(self) -> dict[str, Any]:
        return {
            "constants": self.constants,
            "before": self.before.as_json() if self.before else None,
            "after": self.after.as_json() if self.after else None,
            "judgement": None if self.alone else self.judgement,
            "noise": round(self.noise, 2),
        }


def overall(pairs: Sequence[Pair]) -> str:
    """`better` where one pair is and none is worse."""
    judgements = {pair.judgement for pair in pairs}
    if "worse" in judgements:
        return "worse"
    return "better" if "better" in judgements else "same"


def measure(execution: Execution, constants: str, before: str, after: str | None, seconds: float) -> Pair:
    """Run both forms (texts without parameters) in turn for at most about `seconds` each."""
    runs: dict[str, list[Plan]] = {"before": [], "after": []}
    texts = {"before": before, "after": after}
    late: set[str] = set()
    ends = time.monotonic() + seconds
    for number in range(ROUNDS + 1):
        for name in runs if number % 2 == 0 else reversed(runs):
            text = texts[name]
            if text is None or name in late or (number > 1 and time.monotonic() > ends):
                continue
            try:
                runs[name].append(_run(execution, text, seconds))
            except TimeLimitReached:
                late.add(name)
    first, second = (None if name in late else _measured(runs[name]) for name in ("before", "after"))
    return Pair(constants, first, second, alone=after is None)


def _run(execution: Execution, text: str, seconds: float) -> Plan:
    options = "analyze, buffers, timing off, verbose, format json"
    return Plan.from_json(json.loads(execution.read(f"explain ({options}) {text}", seconds) or "[]"))


def _measured(plans: Sequence[Plan]) -> Measured | None:
    """The first run only warms the cache, if there are more."""
    if not plans:
        return None
    warm = sorted(plans[1:] or plans, key=lambda plan: plan.execution_ms or 0.0)
    times = [plan.execution_ms or 0.0 for plan in warm]
    best = warm[0]
    return Measured(
        ms=times[0],
        buffers=min(plan.buffers for plan in warm),
        rows=round(best.rows_returned),
        runs=len(plans),
        noise=times[len(times) // 2] / times[0] - 1 if times[0] > 0 else 0.0,
        plan=best,
    )
