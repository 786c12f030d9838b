"""The hour-of-week profile: how the load of a week spreads over its 168 hours, in local time.

Each hour of the history is compared with the level of its week; the factor of an hour of the week is the weighted median
of these ratios, recent weeks counting more. A median of few weeks is noisy, so each factor is drawn towards what the
hour of the day and the day of the week say without each other, as far as the noise demands (empirical Bayes: B. Efron and
C. Morris, Stein's estimation rule and its competitors, J. American Statistical Association 68, 1973). Holidays and
surges are a minority of the weeks, and a median does not see them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wedding_dbopt.season.history import WEEK, History, hour_of_week
from wedding_dbopt.season.regression import median, quantile

WEEKS = 26  # older weeks are not looked at
HALF_LIFE_WEEKS = 5.0
ROUNDS = 3
SMALLEST = 0.02  # factors are kept from zero, because they divide


@dataclass(frozen=True)
class Profile:
    """Factors with mean 1 over the week; spread is the half width of the middle 80 % of one hour, in logarithms."""

    factors: list[float]
    spreads: list[float]
    weeks: list[float]  # how many hours stand behind each factor

    def __post_init__(self) -> None:
        assert len(self.factors) == len(self.spreads) == len(self.weeks) == WEEK

    def interval(self, hour: int) -> tuple[float, float, float]:
        """The factor of an hour of the week, and the interval that holds eight of ten such hours."""
        factor, spread = self.factors[hour], math.exp(self.spreads[hour])
        return factor, factor / spread, factor * spread


def fit_profile(history: History) -> Profile:
    last = history.local_hours[-1]
    recent = history.after(last - WEEKS * WEEK)
    factors = [1.0] * WEEK
    counts = [0.0] * WEEK
    samples: list[list[tuple[float, float]]] = []
    for _ in range(ROUNDS):
        levels = _week_levels(day_levels(recent, factors))
        samples = [[] for _ in range(WEEK)]
        for local, rate, observed in zip(recent.local_hours, recent.rates, recent.minutes):
            level = levels.get(local // 24, 0.0)
            if level > 0 and observed >= 15:
                weight = observed / 60 * 0.5 ** ((last - local) / WEEK / HALF_LIFE_WEEKS)
                samples[hour_of_week(local)].append((rate / level, weight))
        counts = [float(len(sample)) for sample in samples]
        factors = _normalised(_shrunk(samples))
    return Profile(factors, _spreads(recent, factors), counts)


def day_levels(history: History, factors: Sequence[float]) -> dict[int, tuple[float, float]]:
    """For each local day the level that the observed hours speak for, and the calls behind it."""
    sums: dict[int, list[float]] = {}
    for local, rate, observed in zip(history.local_hours, history.rates, history.minutes):
        entry = sums.setdefault(local // 24, [0.0, 0.0])
        entry[0] += rate * observed
        entry[1] += factors[hour_of_week(local)] * observed
    return {day: (calls / usual, calls) for day, (calls, usual) in sums.items() if usual > 0}


def _week_levels(days: dict[int, tuple[float, float]]) -> dict[int, float]:
    """The mean level of the seven days around each day."""
    result = {}
    for day in days:
        around = [days[other][0] for other in range(day - 3, day + 4) if other in days]
        result[day] = sum(around) / len(around)
    return result


def _shrunk(samples: list[list[tuple[float, float]]]) -> list[float]:
    raw = [math.log(max(_weighted_median(sample), SMALLEST)) if sample else None for sample in samples]
    known = [value for value in raw if value is not None]
    centre = sum(known) / len(known)
    by_hour = [_mean([raw[day * 24 + hour] for day in range(7)], centre) - centre for hour in range(24)]
    by_day = [
        _mean([_less(raw[day * 24 + hour], by_hour[hour]) for hour in range(24)], centre) - centre
        for day in range(7)
    ]
    plain = [centre + by_hour[place % 24] + by_day[place // 24] for place in range(WEEK)]
    apart = [(value - plain[i]) ** 2 for i, value in enumerate(raw) if value is not None]
    noise = [_noise(sample) for sample in samples if len(sample) > 1]
    own_variance = median(noise) if noise else 1.0
    true_variance = max(1e-4, sum(apart) / len(apart) - own_variance)
    result = []
    for sample, value, usual in zip(samples, raw, plain):
        if value is None:
            result.append(math.exp(usual))
        else:
            variance = own_variance * median_weeks(samples) / len(sample)
            trust = true_variance / (true_variance + variance)
            result.append(math.exp(trust * value + (1 - trust) * usual))
    return result


def median_weeks(samples: list[list[tuple[float, float]]]) -> float:
    return max(1.0, median([float(len(sample)) for sample in samples if sample]))


def _noise(sample: list[tuple[float, float]]) -> float:
    """Variance of the weighted median of a sample, in logarithms."""
    logs = [math.log(max(ratio, SMALLEST)) for ratio, _ in sample]
    middle = median(logs)
    sd = 1.4826 * median([abs(value - middle) for value in logs])
    weight = sum(weight for _, weight in sample)
    effective = weight * weight / sum(weight * weight for _, weight in sample)
    return 1.57 * sd * sd / effective  # a median has pi/2 times the variance of a mean


def _mean(values: list[float | None], otherwise: float) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else otherwise


def _less(value: float | None, part: float) -> float | None:
    return None if value is None else value - part


def _weighted_median(sample: list[tuple[float, float]]) -> float:
    ordered = sorted(sample)
    half = sum(weight for _, weight in ordered) / 2
    passed = 0.0
    for place, (ratio, weight) in enumerate(ordered):
        passed += weight
        if passed > half or math.isclose(passed, half):
            if math.isclose(passed, half) and place + 1 < len(ordered):
                return (ratio + ordered[place + 1][0]) / 2
            return ratio
    return ordered[-1][0]


def _normalised(factors: list[float]) -> list[float]:
    mean = sum(factors) / WEEK
    return [max(SMALLEST, factor / mean) for factor in factors]


def _spreads(history: History, factors: Sequence[float]) -> list[float]:
    """The 80 % half width of an hour around the level of its day, for each hour of the day."""
    days = day_levels(history, factors)
    apart: list[list[float]] = [[] for _ in range(24)]
    for local, rate in zip(history.local_hours, history.rates):
        level = days.get(local // 24, (0.0, 0.0))[0]
        if level > 0:
            apart[local % 24].append(
                abs(math.log(max(rate / level, SMALLEST) / factors[hour_of_week(local)]))
            )
    everywhere = quantile([value for values in apart for value in values], 0.8)
    spreads = []
    for values in apart:
        share = len(values) / (len(values) + 20)
        spreads.append(max(0.02, share * quantile(values, 0.8) + (1 - share) * everywhere))
    return [spreads[place % 24] for place in range(WEEK)]
