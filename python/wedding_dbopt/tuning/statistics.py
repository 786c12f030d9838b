"""Welch's test from summaries (n, mean, standard deviation), without any sample kept.

Source: B. L. Welch, The generalization of 'Student's' problem when several different population variances are
involved, Biometrika 34 (1947); the incomplete beta function by Lentz's continued fraction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """`n` values with their mean and standard deviation (any unit, the same on both sides)."""

    n: int
    mean: float
    sd: float


def welch_p_value(before: Summary, after: Summary) -> float:
    """Two-sided p-value for equal means; 1.0 where a side has fewer than two values.

    Two constant sides (no variance at all) give 0.0 when the means differ and 1.0 when they are equal.
    """
    if before.n < 2 or after.n < 2:
        return 1.0
    variance_before = before.sd**2 / before.n
    variance_after = after.sd**2 / after.n
    variance = variance_before + variance_after
    if variance == 0:
        return 1.0 if before.mean == after.mean else 0.0
    t = (after.mean - before.mean) / math.sqrt(variance)
    freedom = variance**2 / (variance_before**2 / (before.n - 1) + variance_after**2 / (after.n - 1))
    return student_p_value(t, freedom)


def student_p_value(t: float, freedom: float) -> float:
    """Two-sided p-value of Student's t."""
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def student_above(t: float, freedom: float) -> float:
    """One-sided p-value: the chance of a larger t."""
    half = student_p_value(t, freedom) / 2
    return half if t > 0 else 1 - half


def student_quantile(chance: float, freedom: float) -> float:
    """The t that is exceeded with this one-sided chance (0 < chance < 0.5), by bisection."""
    low, high = 0.0, 2.0
    while student_above(high, freedom) > chance:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if student_above(middle, freedom) > chance:
            low = middle
        else:
            high = middle
    return high


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for 0 <= x <= 1."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(a, b, x) / a
    return 1 - front * _continued_fraction(b, a, 1 - x) / b


def _continued_fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300

    def bounded(value: float) -> float:
        return value if abs(value) > tiny else tiny

    c = 1.0
    d = 1 / bounded(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / bounded(1 + step * d)
            c = bounded(1 + step / c)
            result *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return result
