from __future__ import annotations

import pytest
from wedding_dbopt.tuning.statistics import Summary, welch_p_value

# Reference values: the density of Student's distribution integrated by Simpson's rule in 200,000 steps.
REFERENCE = [
    (Summary(10, 5.0, 1.0), Summary(10, 5.0, 1.0), 1.0),
    (Summary(10, 5.0, 1.0), Summary(10, 6.0, 1.0), 0.038250),
    (Summary(30, 10.0, 2.0), Summary(50, 11.0, 3.0), 0.077956),
]


@pytest.mark.parametrize(("before", "after", "expected"), REFERENCE)
def test_p_value_equals_reference(before: Summary, after: Summary, expected: float) -> None:
    assert welch_p_value(before, after) == pytest.approx(expected, abs=1e-6)


def test_a_side_without_data_proves_nothing() -> None:
    assert welch_p_value(Summary(1, 5.0, 0.0), Summary(1000, 50.0, 1.0)) == 1.0


def test_constant_sides() -> None:
    assert welch_p_value(Summary(5, 1.0, 0.0), Summary(5, 1.0, 0.0)) == 1.0
    assert welch_p_value(Summary(5, 1.0, 0.0), Summary(5, 2.0, 0.0)) == 0.0
