"""How often the judgement is wrong, on simulated tunings (the bench `verdicts` has more of them)."""

from __future__ import annotations

import pytest

from tests.workload.tunings import SCENARIOS, found_gain, nothing, reverted_at

TUNINGS = 6
NAMES = ("noise", "traffic x10 with the change", "deploy at any time", "noisy neighbour")
CHOSEN = [scenario for scenario in SCENARIOS if scenario.name in NAMES]


def test_what_changes_nothing_is_seldom_called_a_gain_or_a_regression() -> None:
    said = [nothing(scenario, seed) for scenario in CHOSEN for seed in range(TUNINGS)]
    wrong = [verdict for verdict in said if verdict != "none"]
    assert len(said) == 24 and len(wrong) <= 2, wrong


@pytest.mark.parametrize("gain", [0.2, 0.4])
def test_a_gain_is_found(gain: float) -> None:
    found = [found_gain(SCENARIOS[0], seed, gain) for seed in range(20)]
    assert sum(found) >= 16


def test_a_critical_statement_twice_as_slow_is_reverted_within_two_looks() -> None:
    minutes = [reverted_at(SCENARIOS[0], seed) for seed in range(20)]
    assert all(minute is not None and minute <= 2 for minute in minutes)
