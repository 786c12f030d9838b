"""Robust linear regression with a Gaussian prior on each coefficient, small enough to need no library.

Source: the posterior of a linear model with normal noise and normal priors (D. V. Lindley and A. F. M. Smith, Bayes
estimates for the linear model, J. Royal Statistical Society B 34, 1972); weights against outliers by P. J. Huber,
Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964), iterated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

HUBER = 1.5  # residuals beyond so many standard deviations count linearly
ROUNDS = 4


@dataclass(frozen=True)
class Prior:
    """What is believed of a coefficient before any data."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Posterior:
    """Coefficients, their covariance (by the Cholesky factor of its inverse), and what is left over."""

    mean: list[float]
    factor: list[list[float]]
    residuals: list[float]
    sd: float  # robust standard deviation of the residuals
    autocorrelation: float  # of neighbouring residuals

    def value(self, row: Sequence[float]) -> float:
        return float(sum(map(mul, row, self.mean)))

    def variance(self, row: Sequence[float]) -> float:
        """Variance of the value of a row: row' (factor factor')^-1 row."""
        return sum(part * part for part in _forward(self.factor, row))


def fit(
    columns: Sequence[Sequence[float]],
    values: Sequence[float],
    weights: Sequence[float],
    priors: Sequence[Prior],
) -> Posterior:
    """Fit values = sum of coefficient x column. Neighbouring residuals that go together carry less information than
    independent ones, so the noise is enlarged by (1 + r) / (1 - r), r their autocorrelation."""
    robust = list(weights)
    sd, correlation = 1.0, 0.0
    for _ in range(ROUNDS):
        noise = sd * sd * (1 + correlation) / (1 - correlation)
        weighted = [[weight * x / noise for weight, x in zip(robust, column)] for column in columns]
        matrix = [
            [sum(map(mul, left, right)) for right in columns[: i + 1]] for i, left in enumerate(weighted)
        ]
        target = [sum(map(mul, column, values)) for column in weighted]
        for i, prior in enumerate(priors):
            matrix[i][i] += prior.sd**-2
            target[i] += prior.mean * prior.sd**-2
        factor = _cholesky(matrix)
        mean = _backward(factor, _forward(factor, target))
        residuals = list(values)
        for coefficient, column in zip(mean, columns):
            residuals = [residual - coefficient * x for residual, x in zip(residuals, column)]
        sd = max(1.4826 * median([abs(residual) for residual in residuals]), 1e-3)
        bounded = [max(-3 * sd, min(3 * sd, residual)) for residual in residuals]
        correlation = max(0.0, min(0.9, _lag_one(bounded)))
        robust = [
            weight * min(1.0, HUBER * sd / max(abs(residual), 1e-12))
            for weight, residual in zip(weights, residuals)
        ]
    return Posterior(mean, factor, residuals, sd, correlation)


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which the share lies, interpolated; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _lag_one(values: Sequence[float]) -> float:
    total = sum(map(mul, values, values))
    return sum(map(mul, values[1:], values)) / total if total else 0.0


def _cholesky(lower: list[list[float]]) -> list[list[float]]:
    factor: list[list[float]] = []
    for i, source in enumerate(lower):
        row: list[float] = []
        for j in range(i):
            row.append((source[j] - sum(map(mul, row, factor[j]))) / factor[j][j])
        row.append(math.sqrt(source[i] - sum(map(mul, row, row))))
        factor.append(row)
    return factor


def _forward(factor: list[list[float]], target: Sequence[float]) -> list[float]:
    """Solve factor x = target."""
    solved: list[float] = []
    for row, value in zip(factor, target):
        solved.append((value - sum(map(mul, row, solved))) / row[-1])
    return solved


def _backward(factor: list[list[float]], target: Sequence[float]) -> list[float]:
    """Solve factor' x = target."""
    solved = list(target)
    for i in reversed(range(len(factor))):
        solved[i] /= factor[i][i]
        for j in range(i):
            solved[j] -= factor[i][j] * solved[i]
    return solved
