"""The guard: harm to the whole load goes at once, another load alone does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wedding_dbopt.tuning.guard import GuardFigures, harm

CALM = GuardFigures(10_000, 2000, 1.0, None, 20.0, 20.0, 2.0, 2.0, 0.5, 0.5)


def figures(**changes: object) -> GuardFigures:
    return replace(CALM, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ratio": 2.4}, "2.4 times as long"),
        ({"per_second_after": 8.0, "active_after": 6.0}, "8.0 calls a second in place of 20.0"),
        ({"memory_after": 0.05}, "only 5% of the memory"),
        ({"ratio": 5.0, "others_ratio": 1.1, "per_second_after": 100.0}, "those of other roles 1.1 times"),
    ],
)
def test_harm_is_named(changes: dict[str, object], words: str) -> None:
    reason = harm(figures(**changes))
    assert reason is not None
    assert words in reason


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ratio": 1.9},
        {"ratio": 2.4, "calls_after": 50},
        {"ratio": 2.4, "per_second_after": 80.0},
        {"ratio": 2.4, "others_ratio": 2.2},
        {"per_second_after": 2.0, "active_after": 0.2},
        {"memory_before": 0.05, "memory_after": 0.04},
        {"ratio": None, "per_second_after": None, "memory_after": None},
    ],
    ids=[
        "calm",
        "a little slower",
        "few calls",
        "four times the load",
        "everybody is slower",
        "an idle night",
        "short of memory before",
        "nothing measured",
    ],
)
def test_what_is_no_harm(changes: dict[str, object]) -> None:
    assert harm(figures(**changes)) is None
