"""What a judgement is made of: samples of statements, the rules, and the verdicts on each statement and on the action."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wedding_dbopt.tuning.comparison import Change, Slice
from wedding_dbopt.tuning.statistics import student_quantile


@dataclass(frozen=True)
class Sample:
    """One statement before and after, in slices of time. `objective_ms` of its context, if any."""

    statement_id: int
    role: str  # affected | written | control
    before: tuple[Slice, ...]
    after: tuple[Slice, ...]
    weight: float = 1.0
    objective_ms: float | None = None
    critical: bool = False


@dataclass(frozen=True)
class Rules:
    """Bounds of the judgement; `age_s`, `min_window_s` and `max_window_s` in seconds since the change.

    `look` is the number of this look. `evidence` says what a statement's change must show: `plan` for an index, which slows a
    read only by another plan; `time` for what acts otherwise, as a setting does. `goal` is `gain`, or `no harm` for what is
    done for other reasons than speed, as dropping an index. `uses` counts how often the new object
    was used, None where nobody counts.
    """

    age_s: float
    min_calls: int
    min_window_s: float
    max_window_s: float
    min_gain: float
    regression: float
    critical_regression: float = 0.2
    look: int = 1
    evidence: str = "plan"
    goal: str = "gain"
    uses: int | None = None


@dataclass(frozen=True)
class Estimate:
    """A gain (share, negative = loss) with its interval of 95 %, one-sided p-value of "no gain", and calls after the change."""

    gain: float
    low: float
    high: float
    p_value: float
    calls: int


@dataclass(frozen=True)
class StatementVerdict:
    """What happened to one statement; `time_low` and `time_high` are the interval of 95 % of `time_change`."""

    sample: Sample
    time: Change | None
    blocks: Change | None
    p_value: float | None
    verdict: str  # improved | regressed | same | not enough data

    @property
    def time_change(self) -> float | None:
        return None if self.time is None else self.time.ratio - 1

    @property
    def blocks_change(self) -> float | None:
        return None if self.blocks is None else self.blocks.ratio - 1

    def interval(self) -> tuple[float, float] | None:
        if self.time is None:
            return None
        reach = student_quantile(0.025, self.time.freedom) * self.time.error
        return math.expm1(self.time.log - reach), math.expm1(self.time.log + reach)


@dataclass(frozen=True)
class Judgement:
    """`verdict` is kept, rolled_back or undecided; `missing` says what an undecided one waits for."""

    verdict: str
    reason: str
    time: Estimate | None
    blocks: Estimate | None
    drift: float
    controls: int
    same_hours: bool
    missing: str | None
    statements: tuple[StatementVerdict, ...]

    @property
    def time_gain(self) -> float | None:
        return None if self.time is None else self.time.gain


def per_call(slices: Sequence[Slice], figure: str) -> float | None:
    """A figure (ms, blocks, wal) per call; None without calls."""
    calls = sum(s.calls for s in slices)
    return sum(getattr(s, figure) for s in slices) / calls if calls else None
