from __future__ import annotations

import math
from dataclasses import replace

import pytest
from wedding_dbopt.tuning.comparison import Slice
from wedding_dbopt.tuning.judgement import Judgement, Rules, Sample
from wedding_dbopt.tuning.verify import judge

RULES = Rules(
    age_s=3600, min_calls=50, min_window_s=1800, max_window_s=259200, min_gain=0.05, regression=0.10
)


def slices(
    start: int, count: int, calls: int, ms: float, blocks: float, spread: float, wal: float = 0.0
) -> tuple[Slice, ...]:
    """So many minutes from a minute on, with a ripple that is neither trend nor wave; a call varies by `spread`."""
    made = []
    for number in range(count):
        ripple = 1 + 0.03 * math.sin(2.4 * number + ms)
        mean = ms * ripple
        made.append(
            Slice(
                60.0 * (start + number),
                12,
                calls,
                calls * mean,
                calls * mean**2 * (1 + spread**2),
                calls * blocks,
                calls * wal,
            )
        )
    return tuple(made)


def sample(
    identity: int,
    role: str = "affected",
    before_ms: float = 10.0,
    after_ms: float = 10.0,
    before_blocks: float = 100.0,
    after_blocks: float = 100.0,
    calls: int = 600,
    objective_ms: float | None = None,
    critical: bool = False,
    spread: float = 0.33,
) -> Sample:
    """Twelve slices a side with so many calls in all."""
    return Sample(
        identity,
        role,
        slices(-12, 12, calls // 12, before_ms, before_blocks, spread),
        slices(0, 12, calls // 12, after_ms, after_blocks, spread),
        1.0,
        objective_ms,
        critical,
    )


def controls(drift: float) -> list[Sample]:
    return [sample(100 + i, "control", 5.0 + i, (5.0 + i) * drift) for i in range(8)]


def verdict(samples: list[Sample], rules: Rules = RULES) -> Judgement:
    return judge(samples, rules)


def test_a_gain_in_blocks_and_time_is_kept_with_its_interval() -> None:
    judged = verdict([sample(1, after_ms=1.0, after_blocks=5.0), *controls(1.0)])
    assert judged.verdict == "kept"
    assert judged.time is not None and judged.blocks is not None
    assert judged.time.gain == pytest.approx(0.9, abs=0.01)
    assert 0.85 < judged.time.low < judged.time.gain < judged.time.high < 0.95
    assert judged.blocks.gain == pytest.approx(0.95)
    assert judged.time.calls == 600
    assert "95 % between" in judged.reason and "8 untouched statements" in judged.reason


def test_no_gain_is_rolled_back() -> None:
    judged = verdict([sample(1), *controls(1.0)])
    assert judged.verdict == "rolled_back"
    assert judged.reason.startswith("no gain worth keeping")


def test_a_quieter_machine_alone_gains_nothing_even_without_controls() -> None:
    assert verdict([sample(1, before_ms=10.0, after_ms=5.0)]).verdict == "rolled_back"


def test_without_a_control_group_the_verdict_says_so_and_asks_for_more() -> None:
    setting = replace(RULES, evidence="time")
    slight = verdict([sample(1, after_ms=8.0)], setting)
    assert (slight.verdict, slight.controls) == ("undecided", 0)
    assert "no control group" in slight.reason
    assert verdict([sample(1, after_ms=8.0), *controls(1.0)], setting).verdict == "kept"
    assert verdict([sample(1, after_ms=2.0)], setting).verdict == "kept"


def test_four_times_the_load_alone_neither_reverts_nor_gains() -> None:
    slower = verdict([sample(1, after_ms=40.0), sample(2, "written", after_ms=40.0), *controls(4.0)])
    assert "regressed" not in [one.verdict for one in slower.statements]
    assert slower.drift == pytest.approx(4.0, rel=0.05)
    faster = verdict([sample(1, before_ms=40.0, after_ms=10.0), *controls(0.25)])
    assert [one.verdict for one in faster.statements] == ["same"]


def test_a_gain_is_seen_through_four_times_the_load() -> None:
    assert verdict([sample(1, after_ms=20.0, after_blocks=10.0), *controls(4.0)]).verdict == "kept"


def test_controls_that_go_apart_make_every_change_uncertain() -> None:
    apart = [
        sample(100 + i, "control", 5.0, 5.0 * factor, 100, 100 * factor)
        for i, factor in enumerate((0.5, 0.7, 0.9, 1.0, 1.2, 1.5, 2.0, 0.6))
    ]
    served = sample(1, after_ms=7.0, after_blocks=70.0)
    assert verdict([served, *controls(1.0)]).verdict == "kept"
    assert verdict([served, *apart]).verdict == "undecided"


def test_slowed_writes_that_eat_the_gain_are_rolled_back_at_once() -> None:
    judged = verdict(
        [
            sample(1, before_ms=1.0, after_ms=0.9, after_blocks=90.0, calls=600),
            sample(2, "written", before_ms=1.0, after_ms=2.0, after_blocks=200.0, calls=6000),
            *controls(1.0),
        ],
        replace(RULES, age_s=60),
    )
    assert judged.verdict == "rolled_back"
    assert "statement 2" in judged.reason and " slower (" in judged.reason


def test_a_small_price_on_writes_is_accepted_for_a_large_gain() -> None:
    judged = verdict(
        [
            sample(1, before_ms=50.0, after_ms=1.0, after_blocks=3.0),
            sample(2, "written", before_ms=0.20, after_ms=0.24, after_blocks=6.0, before_blocks=4.0),
            *controls(1.0),
        ]
    )
    assert judged.verdict == "kept"


def test_a_critical_statement_twice_as_slow_counts_whatever_is_gained() -> None:
    served = sample(1, before_ms=500.0, after_ms=1.0, after_blocks=3.0)
    slower = sample(2, "written", before_ms=0.2, after_ms=0.4, after_blocks=9.0, critical=True)
    judged = verdict([served, slower, *controls(1.0)], replace(RULES, age_s=120, look=2))
    assert judged.verdict == "rolled_back"
    assert verdict([served, replace(slower, critical=False), *controls(1.0)]).verdict == "kept"


def test_a_critical_write_that_nobody_feels_does_not_undo_what_critical_reads_gain() -> None:
    """An insert of 0.04 ms takes 0.09 with the index that makes a booking's search 99.7 % faster."""
    early = replace(RULES, age_s=120, look=2)
    served = sample(
        1,
        before_ms=500.0,
        after_ms=1.0,
        before_blocks=9000.0,
        after_blocks=3.0,
        objective_ms=50.0,
        critical=True,
    )
    write = sample(
        2, "written", before_ms=0.04, after_ms=0.09, after_blocks=240.0, objective_ms=50.0, critical=True
    )
    judged = verdict([served, write, *controls(1.0)], early)
    assert [one.verdict for one in judged.statements] == ["improved", "regressed"]
    assert judged.verdict == "undecided"
    felt = sample(
        2, "written", before_ms=0.8, after_ms=1.8, after_blocks=240.0, objective_ms=50.0, critical=True
    )
    small_gain = replace(
        served, before=slices(-12, 12, 50, 1.0, 9000.0, 0.33), after=slices(0, 12, 50, 0.5, 3.0, 0.33)
    )
    for reads, writes in (
        (served, felt),
        (small_gain, write),
        (served, replace(write, objective_ms=None)),
        (replace(served, critical=False), write),
        (replace(served, after=served.before), write),
        (served, replace(write, role="affected")),
    ):
        assert verdict([reads, writes, *controls(1.0)], early).verdict == "rolled_back"


def test_a_broken_objective_counts_whatever_is_gained() -> None:
    judged = verdict(
        [
            sample(1, before_ms=500.0, after_ms=1.0, after_blocks=3.0),
            sample(2, "written", before_ms=18.0, after_ms=25.0, after_blocks=200.0, objective_ms=20.0),
            *controls(1.0),
        ]
    )
    assert judged.verdict == "rolled_back"


def test_a_read_that_touches_no_more_blocks_was_not_slowed_by_an_index() -> None:
    slower = sample(1, after_ms=20.0)
    assert [one.verdict for one in verdict([slower, *controls(1.0)]).statements] == ["same"]
    by_time = verdict([slower, *controls(1.0)], replace(RULES, evidence="time"))
    assert by_time.verdict == "rolled_back"


def test_not_enough_data_says_what_is_missing_and_then_ends() -> None:
    few = [sample(7, after_ms=1.0, after_blocks=5.0, calls=24)]
    judged = verdict(few)
    assert judged.verdict == "undecided"
    assert judged.missing == "statement 7: it ran 24 times before the change, 50 are needed"
    once = replace(sample(7), before=slices(-2, 2, 300, 10, 100, 0.3))
    assert "lie in 2 passes, 4 are needed" in str(verdict([once]).missing)
    soon = replace(sample(7), after=slices(0, 1, 30, 10, 100, 0.3))
    assert "ran 30 of 50 times since the change, in about 40 min" in str(verdict([soon]).missing)
    assert verdict(few, replace(RULES, age_s=300000)).verdict == "rolled_back"


def test_the_shortest_window_is_waited_for() -> None:
    judged = verdict([sample(1, after_ms=1.0, after_blocks=5.0)], replace(RULES, age_s=60))
    assert (judged.verdict, judged.missing) == ("undecided", "1740 s of the shortest window are left")


def test_an_index_that_was_never_used_gained_nothing() -> None:
    better = [sample(1, after_ms=5.0, after_blocks=50.0), *controls(1.0)]
    judged = verdict(better, replace(RULES, uses=0))
    assert judged.verdict == "rolled_back" and "never used" in judged.reason
    assert verdict(better, replace(RULES, uses=400)).verdict == "kept"


def test_an_index_that_was_used_may_save_time_without_blocks() -> None:
    sorted_already = [sample(1, after_ms=5.0), *controls(1.0)]
    assert verdict(sorted_already).verdict == "rolled_back"
    assert verdict(sorted_already, replace(RULES, uses=400)).verdict == "kept"


def test_what_need_only_do_no_harm_is_kept_when_it_does_none() -> None:
    harmless = replace(RULES, goal="no harm")
    assert verdict([sample(1), *controls(1.0)], harmless).verdict == "kept"
    worse = sample(1, after_ms=30.0, after_blocks=300.0)
    assert verdict([worse, *controls(1.0)], harmless).verdict == "rolled_back"
    unseen = replace(sample(1), after=slices(0, 1, 12, 10, 100, 0.3))
    assert verdict([unseen, *controls(1.0)], harmless).verdict == "undecided"


def test_a_step_long_after_the_change_is_not_the_change() -> None:
    def later(identity: int) -> Sample:
        fast = slices(15, 45, 50, 5.0, 50.0, 0.33)
        return Sample(identity, "affected", slices(-60, 60, 50, 10, 100, 0.33),
                      slices(0, 15, 50, 10, 100, 0.33) + fast)  # fmt: skip

    judged = verdict([later(1), *controls(1.0)])
    time = judged.statements[0].time
    assert time is not None and time.step_at == 900
    assert judged.verdict == "rolled_back"
    assert "something else changed these statements 15 min after the action" in judged.reason


def test_the_same_hours_are_compared_where_they_were_seen() -> None:
    def at(hour: int, points: tuple[Slice, ...]) -> tuple[Slice, ...]:
        return tuple(replace(point, hour=hour) for point in points)

    night = at(3, slices(-600, 30, 50, 2.0, 20.0, 0.33))
    noon = at(12, slices(-1440, 30, 50, 10.0, 100.0, 0.33))
    now = at(12, slices(0, 30, 50, 10.0, 100.0, 0.33))
    waved = Sample(1, "affected", noon + night, now)
    judged = verdict([waved, *controls(1.0)])
    assert judged.same_hours and judged.time_gain == pytest.approx(0, abs=0.01)
    only_night = verdict([replace(waved, before=night), *controls(1.0)], replace(RULES, evidence="time"))
    assert not only_night.same_hours


def test_harm_that_begins_late_is_seen_before_an_action_is_kept() -> None:
    """Over the whole window a critical write that was twice as slow in the last hour is hardly slower."""
    rules = replace(RULES, age_s=12 * 3600)

    def lasting(one: Sample, late: float) -> Sample:
        before, early, by_now = one.before[0].ms / 50, one.after[0].ms / 50, late
        blocks = one.before[0].blocks / 50, one.after[0].blocks / 50
        return replace(
            one,
            before=slices(-720, 720, 50, before, blocks[0], 0.33),
            after=slices(0, 660, 50, early, blocks[1], 0.33) + slices(660, 60, 50, by_now, blocks[1], 0.33),
        )

    served = lasting(sample(1, before_ms=50.0, after_ms=1.0, after_blocks=3.0), 1.0)
    group = [lasting(one, one.after[0].ms / 50) for one in controls(1.0)]
    write = sample(2, "written", before_ms=1.0, after_ms=1.0, critical=True)
    assert verdict([served, lasting(write, 1.0), *group], rules).verdict == "kept"
    judged = verdict([served, lasting(write, 2.0), *group], rules)
    assert (judged.verdict, judged.statements[1].verdict) == ("rolled_back", "same")
    assert judged.reason.startswith("harm began late: statement 2 became ")


def test_doubled_blocks_of_a_critical_write_count_where_time_is_too_noisy_to_prove_it_alone() -> None:
    fourth = replace(RULES, age_s=240, look=4)
    served = sample(1, after_ms=5.0, after_blocks=50.0)
    write = sample(2, "written", before_ms=1.0, after_ms=1.8, after_blocks=200.0, critical=True)
    assert verdict([served, write], fourth).verdict == "rolled_back"
    no_more_work = replace(write, after=slices(0, 12, 50, 1.8, 100.0, 0.33))
    assert verdict([served, no_more_work], fourth).verdict == "undecided"
    hardly_slower = replace(write, after=slices(0, 12, 50, 1.1, 200.0, 0.33))
    assert verdict([served, hardly_slower], fourth).verdict == "undecided"


def test_a_critical_statement_that_seems_twice_as_slow_is_undone_in_an_early_look_by_its_time_alone() -> None:
    """T7: to undo a good change costs less than to wait for certainty."""
    early = replace(RULES, age_s=120, look=2)
    served = sample(1, after_ms=5.0, after_blocks=50.0)
    write = sample(2, "written", before_ms=1.0, critical=True)
    slower = replace(write, after=slices(0, 12, 50, 1.8, 100.0, 0.33))
    judged = verdict([served, slower], early)
    assert judged.verdict == "rolled_back" and "certainty was not waited for" in judged.reason
    assert RULES.min_calls == 50
    for other, rules in (
        (replace(slower, critical=False), early),
        (slower, replace(early, look=1)),
        (slower, replace(early, look=4)),
        (replace(write, after=slices(0, 12, 50, 1.3, 100.0, 0.33)), early),
        (replace(write, after=slices(0, 1, 40, 1.8, 100.0, 0.33)), early),
    ):
        assert verdict([served, other], rules).verdict == "undecided"


def test_a_critical_write_of_twice_the_blocks_is_undone_in_an_early_look_unless_its_time_speaks_against_it() -> (
    None
):
    early = replace(RULES, age_s=120, look=2)
    served = sample(1, after_ms=5.0, after_blocks=50.0)
    write = sample(2, "written", before_ms=1.0, critical=True)

    def after(time: float, blocks: float, spread: float = 0.33) -> Sample:
        return replace(write, after=slices(0, 12, 50, time, blocks, spread))

    assert verdict([served, after(1.4, 200.0)], early).verdict == "rolled_back"
    assert verdict([served, after(1.4, 150.0)], early).verdict == "undecided"
    assert verdict([served, after(1.15, 200.0)], early).verdict == "undecided"


def test_a_read_slowed_without_more_blocks_counts_where_the_index_is_used() -> None:
    early = replace(RULES, age_s=120, look=2)
    served = sample(1, after_ms=5.0, after_blocks=50.0)
    read = replace(sample(2, before_ms=1.0, critical=True), after=slices(0, 12, 50, 2.0, 100.0, 0.33))
    assert verdict([served, read], replace(early, uses=7)).verdict == "rolled_back"
    assert verdict([served, read], replace(early, uses=0)).verdict == "undecided"


def test_controls_with_few_calls_each_are_a_group_together() -> None:
    idle = [sample(100 + i, "control", 5.0 + i, (5.0 + i) * 0.4, calls=1200) for i in range(8)]
    idle = [replace(one, after=slices(0, 2, 5, (5.0 + i) * 0.4, 100, 0.33)) for i, one in enumerate(idle)]
    write = replace(
        sample(2, "written", critical=True),
        before=slices(-12, 12, 500, 1.0, 100, 0.33),
        after=slices(0, 2, 50, 0.8, 200, 0.33),
    )
    judged = verdict([write, *idle], replace(RULES, age_s=120, look=2))
    assert judged.controls == 8 and judged.drift == pytest.approx(0.4, rel=0.05)
    assert judged.verdict == "rolled_back"


def test_a_statement_is_compared_as_it_answered_to_load_before() -> None:
    """One that follows the load twice as strongly as the others fell with it, and was not made faster by the change."""

    def waved(identity: int, role: str, power: float) -> Sample:
        def at(start: int, count: int, load: float) -> tuple[Slice, ...]:
            return tuple(
                one
                for number in range(count)
                for one in slices(
                    start + number, 1, 200, 10 * (load * (1 + 0.3 * math.sin(number))) ** power, 100, 0.1
                )
            )

        return Sample(identity, role, at(-60, 60, 1.0), at(0, 20, 0.5))

    group = [waved(100 + i, "control", 1.0) for i in range(8)]
    judged = verdict([waved(1, "affected", 2.0), *group], replace(RULES, evidence="time"))
    assert judged.statements[0].time_change == pytest.approx(0, abs=0.1)
