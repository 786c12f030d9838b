from __future__ import annotations

import random
from dataclasses import replace

import pytest
from wedding_dbopt.tuning.statistics import Summary
from wedding_dbopt.tuning.verify import Judgement, Rules, Sample, judge

RULES = Rules(
    age_s=3600, min_calls=50, min_window_s=1800, max_window_s=259200, min_gain=0.05, regression=0.10
)


def sample(
    identity: int,
    role: str = "affected",
    before_ms: float = 10.0,
    after_ms: float = 10.0,
    before_blocks: float = 100.0,
    after_blocks: float = 100.0,
    calls: int = 500,
    objective_ms: float | None = None,
) -> Sample:
    return Sample(
        identity,
        role,
        Summary(calls, before_ms, before_ms / 3),
        Summary(calls, after_ms, after_ms / 3),
        before_blocks,
        after_blocks,
        1.0,
        objective_ms,
    )


def controls(drift: float) -> list[Sample]:
    return [sample(100 + i, "control", 5.0 + i, (5.0 + i) * drift) for i in range(5)]


def verdict(samples: list[Sample], rules: Rules = RULES) -> Judgement:
    return judge(samples, rules)


def test_a_gain_in_blocks_and_time_is_kept() -> None:
    judged = verdict([sample(1, after_ms=1.0, after_blocks=5.0), *controls(1.0)])
    assert judged.verdict == "kept"
    assert judged.time_gain == pytest.approx(0.9)
    assert judged.blocks_gain == pytest.approx(0.95)


def test_no_gain_is_rolled_back() -> None:
    assert verdict([sample(1), *controls(1.0)]).verdict == "rolled_back"


def test_a_quieter_machine_alone_gains_nothing_even_without_controls() -> None:
    assert verdict([sample(1, before_ms=10.0, after_ms=5.0)]).verdict == "rolled_back"


def test_four_times_the_load_alone_neither_reverts_nor_gains() -> None:
    slower = verdict([sample(1, after_ms=40.0), sample(2, "written", after_ms=40.0), *controls(4.0)])
    assert "regressed" not in [one.verdict for one in slower.statements]
    faster = verdict([sample(1, before_ms=40.0, after_ms=10.0), *controls(0.25)])
    assert [one.verdict for one in faster.statements] == ["same"]


def test_a_gain_is_seen_through_four_times_the_load() -> None:
    assert verdict([sample(1, after_ms=20.0, after_blocks=10.0), *controls(4.0)]).verdict == "kept"


def test_slowed_writes_that_eat_the_gain_are_rolled_back_at_once() -> None:
    judged = verdict(
        [
            sample(1, before_ms=1.0, after_ms=0.9, after_blocks=90.0, calls=500),
            sample(2, "written", before_ms=1.0, after_ms=2.0, after_blocks=200.0, calls=5000),
            *controls(1.0),
        ],
        replace(RULES, age_s=60),
    )
    assert judged.verdict == "rolled_back"
    assert "statement 2" in judged.reason


def test_a_small_price_on_writes_is_accepted_for_a_large_gain() -> None:
    judged = verdict(
        [
            sample(1, before_ms=50.0, after_ms=1.0, after_blocks=3.0),
            sample(2, "written", before_ms=0.20, after_ms=0.24, after_blocks=6.0, before_blocks=4.0),
            *controls(1.0),
        ]
    )
    assert judged.verdict == "kept"


def test_a_broken_objective_counts_whatever_is_gained() -> None:
    judged = verdict(
        [
            sample(1, before_ms=500.0, after_ms=1.0, after_blocks=3.0),
            sample(2, "written", before_ms=18.0, after_ms=25.0, after_blocks=200.0, objective_ms=20.0),
            *controls(1.0),
        ]
    )
    assert judged.verdict == "rolled_back"


def test_not_enough_data_waits_and_then_ends() -> None:
    few = [sample(1, after_ms=1.0, after_blocks=5.0, calls=10)]
    assert verdict(few).verdict == "undecided"
    assert verdict(few, replace(RULES, age_s=300000)).verdict == "rolled_back"


def test_the_shortest_window_is_waited_for() -> None:
    assert (
        verdict([sample(1, after_ms=1.0, after_blocks=5.0)], replace(RULES, age_s=60)).verdict == "undecided"
    )


def test_nothing_changed_gives_at_most_five_percent_false_verdicts() -> None:
    """200 tunings that change nothing, under noise and load drift: none may be called a gain or a regression."""
    chance = random.Random(20261101)
    wrong = 0
    for _ in range(200):
        drift = chance.choice([0.25, 0.5, 1.0, 1.0, 2.0, 4.0])
        samples = []
        for identity in range(12):
            mean = chance.uniform(0.2, 30)
            sd = mean * chance.uniform(0.2, 1.5)
            blocks = chance.uniform(5, 500)
            count = chance.randint(60, 5000)
            role = "affected" if identity < 3 else "written" if identity < 5 else "control"
            samples.append(
                Sample(
                    identity,
                    role,
                    Summary(count, chance.gauss(mean, sd / count**0.5), sd),
                    Summary(count, chance.gauss(mean * drift, sd * drift / count**0.5), sd * drift),
                    blocks,
                    blocks * chance.gauss(1, 0.01),
                )
            )
        judged = verdict(samples)
        wrong += judged.verdict == "kept" or any(one.verdict == "regressed" for one in judged.statements)
    assert wrong <= 10
