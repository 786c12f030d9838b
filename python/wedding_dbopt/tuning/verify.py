"""The judgement: keep an action, roll it back, or wait for more data.

Blocks per call are the main witness, because load does not change them. Time per call is corrected by a control
group of statements that the action cannot touch, so that four times the traffic, or an idle night, neither causes a
rollback nor claims a gain. Times in milliseconds, changes as ratios minus one (-0.4 = 40 % less).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wedding_dbopt.tuning.statistics import Summary, welch_p_value

SIGNIFICANCE = 0.01
MIN_CONTROLS = 3
#: Blocks per call that differ by less than this share are the same plan's.
SAME_BLOCKS = 0.01
#: A regression of one statement counts when it costs at least this share of what the action gains.
COUNTING_SHARE = 0.10


@dataclass(frozen=True)
class Sample:
    """One statement before and after: calls, time per call, blocks per call. `objective_ms` of its context, if any."""

    statement_id: int
    role: str  # affected | written | control
    before: Summary
    after: Summary
    before_blocks: float
    after_blocks: float
    weight: float = 1.0
    objective_ms: float | None = None


@dataclass(frozen=True)
class Rules:
    """Bounds of the judgement; `age_s`, `min_window_s` and `max_window_s` in seconds since the change."""

    age_s: float
    min_calls: int
    min_window_s: float
    max_window_s: float
    min_gain: float
    regression: float


@dataclass(frozen=True)
class StatementVerdict:
    """What happened to one statement."""

    sample: Sample
    time_change: float | None
    blocks_change: float | None
    p_value: float | None
    verdict: str  # improved | regressed | same | not enough data


@dataclass(frozen=True)
class Judgement:
    """`verdict` is kept, rolled_back or undecided; gains as shares of the affected statements' time and blocks."""

    verdict: str
    reason: str
    time_gain: float | None
    blocks_gain: float | None
    drift: float
    statements: tuple[StatementVerdict, ...]


def judge(samples: Sequence[Sample], rules: Rules) -> Judgement:
    """Weigh the affected and the written statements of one action against the control group."""
    drift = _drift([sample for sample in samples if sample.role == "control"], rules.min_calls)
    subjects = [sample for sample in samples if sample.role != "control"]
    verdicts = tuple(_statement_verdict(sample, drift, rules, len(subjects)) for sample in subjects)
    judged = [verdict for verdict in verdicts if verdict.verdict != "not enough data"]
    affected = [verdict for verdict in judged if verdict.sample.role == "affected"]
    time_gain, blocks_gain, net_gain = _gain(affected, drift), _blocks_gain(affected), _gain(judged, drift)

    def conclude(verdict: str, reason: str) -> Judgement:
        return Judgement(verdict, reason, time_gain, blocks_gain, drift, verdicts)

    worse = [
        verdict for verdict in judged if verdict.verdict == "regressed" and _counts(verdict, judged, drift)
    ]
    if worse:
        first = max(worse, key=lambda verdict: verdict.time_change or 0)
        return conclude(
            "rolled_back",
            f"statement {first.sample.statement_id} became {_percent(first.time_change)} slower "
            f"({first.sample.before.mean:.2f} -> {first.sample.after.mean:.2f} ms, n = {first.sample.before.n} and "
            f"{first.sample.after.n}, p = {first.p_value:.2g})",
        )
    if rules.age_s < rules.min_window_s:
        return conclude(
            "undecided", f"{rules.min_window_s - rules.age_s:.0f} s of the shortest window are left"
        )
    if not affected or _covered(affected, verdicts) < 0.5:
        if rules.age_s < rules.max_window_s:
            return conclude(
                "undecided", f"not enough data yet: {rules.min_calls} calls before and after are needed"
            )
        if not affected:
            return conclude("rolled_back", "no affected statement ran often enough to show a gain")
    improved = [verdict for verdict in affected if verdict.verdict == "improved"]
    gains = f"blocks {_percent(-(blocks_gain or 0))}, time {_percent(-(time_gain or 0))}"
    calls = sum(verdict.sample.after.n for verdict in affected)
    if (
        improved
        and max(net_gain or 0, blocks_gain or 0) >= rules.min_gain
        and (net_gain or 0) > -rules.regression
    ):
        return conclude(
            "kept", f"{len(improved)} of {len(affected)} statements improved: {gains}, n = {calls} calls"
        )
    return conclude("rolled_back", f"no gain worth keeping: {gains}, n = {calls} calls")


def _drift(controls: Sequence[Sample], min_calls: int) -> float:
    """How the time per call of untouched statements changed: their weighted median ratio, 1.0 when there are few."""
    ratios = sorted(
        (sample.after.mean / sample.before.mean, math.sqrt(min(sample.before.n, sample.after.n)))
        for sample in controls
        if min(sample.before.n, sample.after.n) >= min_calls
        and sample.before.mean > 0
        and sample.after.mean > 0
    )
    if len(ratios) < MIN_CONTROLS:
        return 1.0
    half = sum(weight for _, weight in ratios) / 2
    passed = 0.0
    for ratio, weight in ratios:
        passed += weight
        if passed >= half:
            return ratio
    return ratios[-1][0]


def _statement_verdict(sample: Sample, drift: float, rules: Rules, comparisons: int) -> StatementVerdict:
    if min(sample.before.n, sample.after.n) < rules.min_calls or sample.before.mean <= 0:
        return StatementVerdict(sample, None, None, None, "not enough data")
    expected = Summary(sample.before.n, sample.before.mean * drift, sample.before.sd * drift)
    time_change = sample.after.mean / expected.mean - 1
    blocks_change = sample.after_blocks / sample.before_blocks - 1 if sample.before_blocks > 0 else 0.0
    p_value = welch_p_value(expected, sample.after)
    significant = p_value < SIGNIFICANCE / comparisons
    # A read that touches no more blocks has not been slowed by an index; a write always touches more of them.
    more_work = sample.role == "written" or blocks_change >= rules.regression
    # Nor has one that touches just as many blocks used the index, however much faster a quieter machine made it.
    used = abs(blocks_change) >= SAME_BLOCKS
    if significant and time_change >= rules.regression and more_work:
        verdict = "regressed"
    elif blocks_change <= -rules.min_gain or (significant and time_change <= -rules.min_gain and used):
        verdict = "improved"
    else:
        verdict = "same"
    return StatementVerdict(sample, time_change, blocks_change, p_value, verdict)


def _counts(verdict: StatementVerdict, judged: Sequence[StatementVerdict], drift: float) -> bool:
    """A regression counts when it breaks the objective or eats a good part of the gain."""
    sample = verdict.sample
    if (
        sample.objective_ms is not None
        and sample.after.mean > sample.objective_ms > sample.before.mean * drift
    ):
        return True
    lost = _saved_ms(sample, drift)
    gained = sum(max(_saved_ms(other.sample, drift), 0) for other in judged)
    return -lost >= COUNTING_SHARE * gained


def _saved_ms(sample: Sample, drift: float) -> float:
    """Weighted milliseconds that the calls after the change saved; negative when they cost more."""
    return sample.weight * sample.after.n * (sample.before.mean * drift - sample.after.mean)


def _gain(judged: Sequence[StatementVerdict], drift: float) -> float | None:
    expected = sum(v.sample.weight * v.sample.after.n * v.sample.before.mean * drift for v in judged)
    return sum(_saved_ms(v.sample, drift) for v in judged) / expected if expected > 0 else None


def _blocks_gain(affected: Sequence[StatementVerdict]) -> float | None:
    before = sum(v.sample.weight * v.sample.after.n * v.sample.before_blocks for v in affected)
    after = sum(v.sample.weight * v.sample.after.n * v.sample.after_blocks for v in affected)
    return 1 - after / before if before > 0 else None


def _covered(affected: Sequence[StatementVerdict], verdicts: Sequence[StatementVerdict]) -> float:
    """Share of the affected statements' time before the change that has enough data."""

    def time(some: Sequence[StatementVerdict]) -> float:
        return sum(v.sample.before.n * v.sample.before.mean for v in some if v.sample.role == "affected")

    whole = time(verdicts)
    return time(affected) / whole if whole > 0 else 0.0


def _percent(change: float | None) -> str:
    return f"{100 * (change or 0):+.1f} %"
