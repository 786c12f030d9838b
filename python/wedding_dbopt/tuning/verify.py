"""The judgement: keep an action, roll it back, or wait for more data. A pure function of samples and rules.

Blocks per call are the main witness, because load does not change them. Time per call is judged beside a control group of
statements that the action cannot touch, so that four times the traffic, or an idle night, neither causes a rollback nor
claims a gain. One test decides on the gain of the action as a whole; regressions are tested per statement, and the allowed
error is divided among the statements (Bonferroni, by their weight) and among the looks (looks.py). Only a critical statement
that seems to have become twice as slow is not made to wait for that certainty: to undo a good change costs less than it does.
Times in milliseconds, changes as ratios minus one (-0.4 = 40 % less).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from wedding_dbopt.tuning.comparison import OWN_SLICES, Change, Point, Slice, block_points, time_points
from wedding_dbopt.tuning.control import Control, Member, control_group, members
from wedding_dbopt.tuning.judgement import Estimate, Judgement, Rules, Sample, StatementVerdict, per_call
from wedding_dbopt.tuning.looks import EVERY_PASS, gain_look, rest, spent
from wedding_dbopt.tuning.statistics import student_above, student_quantile

#: Allowed errors of one action over all its looks: a gain that is none, a regression that is none.
GAIN_ERROR = 0.025
REGRESSION_ERROR = 0.025
#: A gain is given up when even the upper end of this one-sided interval is not worth keeping.
FUTILITY = 0.1
#: Blocks per call that differ by less than this share are the same plan's.
SAME_BLOCKS = 0.01
#: A critical statement whose time is nearer to twice what it was than to unchanged (as logarithms), and less likely so by
#: chance than this, is undone without more proof in an early look: not in the first, which has seen a minute only.
TWICE = math.log(2) / 2
BY_CHANCE = 0.1
#: A critical write whose blocks have nearly doubled for certain is undone in an early look as well, unless its time is this
#: many times likelier if it had not changed by what counts than if it had doubled too.
NEARLY_TWICE = math.log(1.75)
LIKELIER = 4.0
#: A critical write whose work has grown for certain is undone when its time tells of a regression at this level.
LEANING = 0.1
#: Before an action is kept, this much of the latest time (seconds) is looked at alone, or half of a shorter window.
LATEST = 3600.0
#: A regression of one statement counts when it costs at least this share of what the action gains.
COUNTING_SHARE = 0.10
#: Nobody feels that a critical write is slower which stays below this share of its objective, where all writes lose less than
#: the next share of what critical statements certainly gain: each index adds some to an insert.
UNFELT = 0.02
OUTWEIGHED = 0.01
#: Affected statements must have this share of their time before in those with enough data.
COVERED = 0.5


def judge(samples: Sequence[Sample], rules: Rules) -> Judgement:
    """Weigh the affected and the written statements of one action against the control group."""
    untouched = [sample for sample in samples if sample.role == "control"]
    subjects = [sample for sample in samples if sample.role != "control"]
    traffic = _traffic(samples)
    time_control = control_group(_members(untouched, time_points, rules), "time", traffic)
    blocks_control = control_group(_members(untouched, block_points, rules), "blocks", traffic)
    verdicts = _verdicts(subjects, time_control, blocks_control, rules, 1 < rules.look <= EVERY_PASS)
    judged = [verdict for verdict in verdicts if verdict.time is not None]
    affected = [verdict for verdict in judged if verdict.sample.role == "affected"]
    time = _estimate([v for v in affected if _acted(v, rules)], affected, "time", time_control)
    blocks = _estimate(affected, affected, "blocks", blocks_control)
    net = _estimate(judged, judged, "time", time_control)
    same_hours = bool(affected) and all(v.time is not None and v.time.same_hours for v in affected)

    def conclude(verdict: str, reason: str, missing: str | None = None) -> Judgement:
        harm = _late_harm(subjects, time_control, blocks_control, rules) if verdict == "kept" else None
        if harm is not None:
            verdict, reason = "rolled_back", f"harm began late: {harm}"
        return Judgement(
            verdict,
            reason,
            time,
            blocks,
            time_control.drift,
            time_control.size,
            same_hours,
            missing,
            verdicts,
        )

    worse = [v for v in judged if v.verdict == "regressed" and _counts(v, judged, rules)]
    if worse:
        return conclude("rolled_back", _regression(max(worse, key=lambda v: v.time_change or 0)))
    if rules.age_s < rules.min_window_s:
        missing = f"{rules.min_window_s - rules.age_s:.0f} s of the shortest window are left"
        return conclude("undecided", missing, missing)
    last = rules.age_s >= rules.max_window_s
    if rules.goal == "no harm":
        lacking = [v for v in verdicts if v.time is None and v.sample.after]
        if lacking and len(lacking) > len(judged) and not last:
            missing = _missing(verdicts, rules)
            return conclude("undecided", f"not enough data yet: {missing}", missing)
        harm = f"no harm seen in {len(judged)} statements"
        return conclude(
            "kept", f"{harm}, {_beside(time_control)}" if judged else "nothing that it touches ran"
        )
    covered = _covered(affected, verdicts)
    if covered < COVERED and not last:
        missing = _missing(verdicts, rules)
        return conclude("undecided", f"not enough data yet: {missing}", missing)
    if time is None or blocks is None or net is None:
        return conclude("rolled_back", "no affected statement ran often enough to show a gain")
    shown = _shown(time, blocks, affected, time_control, same_hours)
    if rules.uses == 0:
        return conclude("rolled_back", f"no gain worth keeping: it was never used; {shown}")
    number = gain_look(rules.look, rules.age_s, rules.min_window_s)
    error = GAIN_ERROR / 2 * (rest(number) if last else spent(number))
    faster = time.p_value <= error and net.gain >= rules.min_gain
    fewer = blocks.p_value <= error and blocks.gain >= rules.min_gain and net.gain > -rules.regression
    if faster or fewer:
        improved = sum(v.verdict == "improved" for v in affected)
        return conclude("kept", f"{improved} of {len(affected)} statements improved: {shown}")
    if last:
        return conclude("rolled_back", f"no gain worth keeping, not even in the longest window: {shown}")
    if _futile(time, blocks, affected, rules):
        return conclude("rolled_back", f"no gain worth keeping: {shown}")
    missing = f"the gain is not certain yet: {shown}"
    return conclude("undecided", missing, missing)


# ---------------------------------------------------------------------- one statement


def _members(
    samples: Sequence[Sample], points: Callable[[Sequence[Slice]], list[Point]], rules: Rules
) -> list[Member]:
    """The control group needs fewer calls of each statement, because it is looked at as a whole."""
    return members([(points(s.before), points(s.after)) for s in samples], max(rules.min_calls // 10, 2))


def _traffic(samples: Sequence[Sample]) -> float:
    """Calls per slice after the change as a ratio to those before it."""
    before, after = (
        sum(s.calls for side in sides for s in side) / max(len({s.begun for side in sides for s in side}), 1)
        for sides in ([sample.before for sample in samples], [sample.after for sample in samples])
    )
    return after / before if before and after else 1.0


def _verdicts(
    subjects: Sequence[Sample], time_control: Control, blocks_control: Control, rules: Rules, early: bool
) -> tuple[StatementVerdict, ...]:
    weight = sum(sample.weight for sample in subjects)
    return tuple(
        _statement_verdict(
            sample, time_control, blocks_control, rules, sample.weight / weight, early and sample.critical
        )
        for sample in subjects
    )


def _statement_verdict(
    sample: Sample, time_control: Control, blocks_control: Control, rules: Rules, part: float, urgent: bool
) -> StatementVerdict:
    """`urgent`: a critical statement in an early look."""
    if _lacks(sample, rules):
        return StatementVerdict(sample, None, None, None, "not enough data")
    time = time_control.change(time_points(sample.before), time_points(sample.after))
    blocks = blocks_control.change(block_points(sample.before), block_points(sample.after))
    if time is None or min(time.calls_before, time.calls_after) < rules.min_calls:
        return StatementVerdict(sample, None, None, None, "not enough data")
    slower = _above(time)
    p_value = 2 * min(slower, 1 - slower)
    error = part * REGRESSION_ERROR * spent(rules.look)
    worse = time.ratio - 1 >= rules.regression and _more_work(sample, blocks, rules)
    twice = urgent and (
        (time.log >= TWICE and slower <= BY_CHANCE) or _doubled_its_work(time, blocks, error, rules)
    )
    if worse and (slower <= error or twice or _works_harder(sample, time, blocks, error, rules)):
        return StatementVerdict(sample, time, blocks, p_value, "regressed")
    better = part * GAIN_ERROR
    fewer = blocks is not None and _above(blocks) >= 1 - better and 1 - blocks.ratio >= rules.min_gain
    verdict = StatementVerdict(sample, time, blocks, p_value, "same")
    faster = slower >= 1 - better and 1 - time.ratio >= rules.min_gain and _acted(verdict, rules)
    return StatementVerdict(sample, time, blocks, p_value, "improved") if fewer or faster else verdict


def _lacks(sample: Sample, rules: Rules) -> str | None:
    """What a statement lacks for a verdict."""
    before, after = (sum(s.calls for s in side) for side in (sample.before, sample.after))
    slices = sum(s.calls > 0 for s in sample.before)
    if before < rules.min_calls:
        return f"it ran {before} times before the change, {rules.min_calls} are needed"
    if slices < OWN_SLICES:
        return f"its calls before the change lie in {slices} passes, {OWN_SLICES} are needed to tell how much they vary"
    if after < rules.min_calls:
        wait = f", in about {_span((rules.min_calls - after) * rules.age_s / after)}" if after else ""
        return f"it ran {after} of {rules.min_calls} times since the change{wait}"
    return None


def _above(change: Change, usual: float = 0.0) -> float:
    """The chance of such a rise where the true one is `usual` (log), without cause by default."""
    rise = change.log - usual
    if change.error <= 0:
        return 0.0 if rise > 0 else 1.0 if rise < 0 else 0.5
    return student_above(rise / change.error, change.freedom)


def _more_work(sample: Sample, blocks: Change | None, rules: Rules) -> bool:
    """A read that touches no more blocks was not slowed by an index, unless that is used; a write always touches more."""
    if rules.evidence == "time" or sample.role == "written" or rules.uses:
        return True
    return blocks is not None and blocks.ratio - 1 >= rules.regression and _above(blocks) <= 0.05


def _works_harder(sample: Sample, time: Change, blocks: Change | None, error: float, rules: Rules) -> bool:
    """Load makes a call slower, never the blocks it touches more: those prove that something changed, whatever the traffic does.

    A read has then another plan. A write touches the blocks of each new index, which need not cost much, so its time must
    speak for a regression as well, but more softly: that nothing had happened is refuted by the blocks already.
    """
    if blocks is None or _above(blocks) > error:
        return False
    if sample.role == "affected":
        return True
    return (
        sample.critical
        and time.ratio - 1 >= rules.critical_regression
        and _above(time, math.log1p(rules.regression)) <= LEANING
    )


def _doubled_its_work(time: Change, blocks: Change | None, error: float, rules: Rules) -> bool:
    """Whether the blocks have nearly doubled, and the time may well have: it does not speak against it."""
    if blocks is None or blocks.log < NEARLY_TWICE or _above(blocks) > error:
        return False
    if time.ratio - 1 < rules.critical_regression:
        return False
    usual, doubled = time.log - math.log1p(rules.regression), time.log - math.log(2)
    return usual**2 - doubled**2 >= -2 * time.error**2 * math.log(LIKELIER)


def _acted(verdict: StatementVerdict, rules: Rules) -> bool:
    """A read that touches just as many blocks has not used the index, however much faster a quieter machine made it."""
    if rules.evidence == "time" or rules.uses:
        return True
    blocks = verdict.blocks
    return blocks is not None and abs(blocks.ratio - 1) >= SAME_BLOCKS and not 0.1 < _above(blocks) < 0.9


# ---------------------------------------------------------------------- the action


def _expected_ms(verdict: StatementVerdict) -> float:
    """Weighted milliseconds that the calls after the change would have taken without it (but for the load)."""
    sample = verdict.sample
    before = per_call(sample.before, "ms") or 0.0
    return sample.weight * before * sum(s.calls for s in sample.after)


def _estimate(
    counted: Sequence[StatementVerdict], every: Sequence[StatementVerdict], figure: str, control: Control
) -> Estimate | None:
    """The gain over all statements; those not counted as changed by the action stay as they were."""
    if not every:
        return None
    costs = [(_expected_ms(v) if figure == "time" else _expected_blocks(v), v) for v in every]
    whole = sum(cost for cost, _ in costs)
    calls = sum(s.calls for v in every for s in v.sample.after)
    changed = {v.sample.statement_id for v in counted}
    ratio = variance = weighed = 0.0
    for cost, verdict in costs:
        share = cost / whole if whole > 0 else 0.0
        change = verdict.time if figure == "time" else verdict.blocks
        if change is None or verdict.sample.statement_id not in changed:
            ratio += share
            continue
        part = (share * change.ratio * change.error) ** 2
        ratio += share * change.ratio
        variance += part
        weighed += part**2 / change.freedom
    error = math.sqrt(variance)
    if error <= 0:
        gain = 1 - ratio if abs(1 - ratio) > 1e-9 else 0.0
        return Estimate(gain, gain, gain, 0.0 if gain > 0 else 1.0, calls)
    log, width, freedom = math.log(ratio), error / ratio, variance**2 / weighed
    reach = student_quantile(0.025, freedom) * width
    return Estimate(
        1 - ratio,
        1 - math.exp(log + reach),
        1 - math.exp(log - reach),
        student_above(-log / width, freedom),
        calls,
    )


def _expected_blocks(verdict: StatementVerdict) -> float:
    sample = verdict.sample
    return sample.weight * (per_call(sample.before, "blocks") or 0.0) * sum(s.calls for s in sample.after)


def _counts(verdict: StatementVerdict, judged: Sequence[StatementVerdict], rules: Rules) -> bool:
    """A regression counts when it hurts a critical statement, breaks the objective, or eats a good part of the gain."""
    sample, time = verdict.sample, verdict.time
    if time is None:
        return False
    if sample.critical and time.ratio - 1 >= rules.critical_regression and not _unfelt(verdict, judged):
        return True
    if sample.objective_ms is not None and time.after > sample.objective_ms > time.after / time.ratio:
        return True
    gained = sum(max(_saved_ms(other), 0) for other in judged)
    return -_saved_ms(verdict) >= COUNTING_SHARE * gained


def _unfelt(verdict: StatementVerdict, judged: Sequence[StatementVerdict]) -> bool:
    """Whether a critical write stays far inside its objective, and what all writes lose is as nothing beside what others gain."""
    sample, time = verdict.sample, verdict.time
    if sample.role != "written" or sample.objective_ms is None or time is None:
        return False
    gained = sum(_saved_ms(v) for v in judged if v.sample.critical and v.verdict == "improved")
    lost = sum(max(-_saved_ms(v), 0.0) for v in judged if v.sample.role == "written")
    return time.after <= UNFELT * sample.objective_ms and lost < OUTWEIGHED * gained


def _saved_ms(verdict: StatementVerdict) -> float:
    """Weighted milliseconds that the calls after the change saved; negative when they cost more."""
    return _expected_ms(verdict) * (1 - verdict.time.ratio) if verdict.time else 0.0


def _covered(affected: Sequence[StatementVerdict], verdicts: Sequence[StatementVerdict]) -> float:
    """Share of the affected statements' time before the change that has enough data."""

    def time(some: Sequence[StatementVerdict]) -> float:
        return sum(s.ms for v in some if v.sample.role == "affected" for s in v.sample.before)

    whole = time(verdicts)
    return time(affected) / whole if whole > 0 else 0.0


def _futile(time: Estimate, blocks: Estimate, affected: Sequence[StatementVerdict], rules: Rules) -> bool:
    """Whether no gain worth keeping is to be expected from more data."""

    def hopeless(change: Change | None) -> bool:
        if change is None:
            return True
        best = change.log - student_quantile(FUTILITY, change.freedom) * change.error
        return -math.expm1(best) < rules.min_gain

    by_blocks = all(hopeless(v.blocks) for v in affected)
    by_time = all(hopeless(v.time) for v in affected)
    return by_blocks and (by_time or (rules.evidence == "plan" and not rules.uses))


def _late_harm(
    subjects: Sequence[Sample], time_control: Control, blocks_control: Control, rules: Rules
) -> str | None:
    """The regression that the latest time alone shows: over the whole window, harm that began late is thinned out.

    It is looked for once, when the action would be kept, so it may make as much error as a first look.
    """
    recent = [_latest(sample, rules.age_s) for sample in subjects]
    verdicts = _verdicts(recent, time_control, blocks_control, replace(rules, look=1), early=False)
    harm = [v for v in verdicts if v.verdict == "regressed" and _counts(v, verdicts, rules)]
    return _regression(max(harm, key=lambda v: v.time_change or 0)) if harm else None


def _latest(sample: Sample, age_s: float) -> Sample:
    """What the statement did before, and lately: a slice that hangs over the edge is in."""
    since = age_s - min(LATEST, age_s / 2)
    ends = [*(one.begun for one in sample.after[1:]), age_s]
    recent = (one for one, end in zip(sample.after, ends, strict=False) if end > since)
    return replace(sample, after=tuple(recent))


# ---------------------------------------------------------------------- words


def _regression(verdict: StatementVerdict) -> str:
    time, interval = verdict.time, verdict.interval()
    assert time is not None and interval is not None
    return (
        f"statement {verdict.sample.statement_id} became {_percent(time.ratio - 1)} slower "
        f"({time.before:.2f} -> {time.after:.2f} ms, n = {time.calls_before} and {time.calls_after}, "
        f"95 % between {_percent(interval[0])} and {_percent(interval[1])}, p = {verdict.p_value:.2g})"
        + (
            "; it is critical, so certainty was not waited for"
            if (verdict.p_value or 0) > REGRESSION_ERROR
            else ""
        )
    )


def _shown(
    time: Estimate,
    blocks: Estimate,
    affected: Sequence[StatementVerdict],
    control: Control,
    same_hours: bool,
) -> str:
    parts = [
        f"blocks {_percent(-blocks.gain)}",
        f"time {_percent(-time.gain)} (95 % between {_percent(-time.high)} and {_percent(-time.low)})",
        f"n = {time.calls} calls",
        _beside(control),
        "same hours" if same_hours else "not the same hours, which were not seen before",
    ]
    steps = [v.time.step_at for v in affected if v.time and v.time.step_at is not None]
    if steps:
        when = min(steps, key=abs)
        parts.append(
            f"something else changed these statements {_span(abs(when))} {'before' if when < 0 else 'after'} the action"
        )
    return ", ".join(parts)


def _beside(control: Control) -> str:
    if not control.size:
        return "no control group: only what exceeds any usual change counts"
    return f"beside {control.size} untouched statements, whose time changed by {_percent(control.drift - 1)}"


def _missing(verdicts: Sequence[StatementVerdict], rules: Rules) -> str:
    lacking = [
        f"statement {v.sample.statement_id}: {_lacks(v.sample, rules)}"
        for v in sorted(verdicts, key=_expected_ms, reverse=True)
        if v.verdict == "not enough data" and (v.sample.role == "affected" or rules.goal == "no harm")
    ]
    return "; ".join(lacking[:3]) or "no affected statement has been seen"


def _percent(change: float | None) -> str:
    return f"{100 * (change or 0):+.1f} %"


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
