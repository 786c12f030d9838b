"""Growth and seasons: the level of each day as trend x season, by a robust regression of its logarithm.

The trend is a line that may bend each quarter of a year, the season a step for each season of the calendar plus a few
waves of the year, because a season rises and falls slowly (the structure of S. J. Taylor and B. Letham, Forecasting at
scale, The American Statistician 72, 2018). The calendar's multipliers are the prior of the steps: without data they are
the answer, and with each observed season they matter less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wedding_dbopt.season.calendar import Season, year_fraction
from wedding_dbopt.season.regression import Posterior, Prior, fit

YEAR = 365.25
WAVES = 5
KNOT_DAYS = 91
Z80 = 1.2816  # half of the middle 80 % of a normal distribution, in standard deviations
PRIOR_STEP_SD = 0.7
PRIOR_GROWTH_SD = 0.7
PRIOR_BEND_SD = 0.25
FIRST_WAVE_SD, WAVE_SD = 0.02, 0.35  # in the first year, and after the second
CALLS_OF_HALF_WEIGHT = 100.0


@dataclass(frozen=True)
class Multiplier:
    """What a season multiplies the load by, against the days that belong to no season."""

    season: str
    multiplier: float
    low: float
    high: float
    seasons_observed: int  # years in which nine tenths of the season were observed
    days_observed: int
    prior: float


@dataclass(frozen=True)
class Annual:
    """The fitted course of the level. `log_level(day)` is its logarithm, without the noise of the days."""

    seasons: Sequence[Season]
    last_day: int
    knots: Sequence[float]
    posterior: Posterior
    days: Sequence[int]
    residuals: Sequence[float]

    def row(self, day: int) -> list[float]:
        return _row(day, self.last_day, self.knots, self.seasons)

    def log_level(self, day: int) -> float:
        return self.posterior.value(self.row(day))

    def growth(self) -> tuple[float, float, float]:
        """Growth factor of the last year (of a shorter history: carried on to a year), and its 80 % interval."""
        span = min(365, max(28, self.last_day - self.days[0]))
        first = 2 + len(self.knots)
        now, then = (self.row(day)[:first] for day in (self.last_day, self.last_day - span))
        rest = [0.0] * (len(self.posterior.mean) - first)
        row = [(a - b) * YEAR / span for a, b in zip(now, then)] + rest
        slope, sd = self.posterior.value(row), math.sqrt(self.posterior.variance(row))
        return math.exp(slope), math.exp(slope - Z80 * sd), math.exp(slope + Z80 * sd)

    def multipliers(self) -> list[Multiplier]:
        return [self._multiplier(season) for season in self.seasons]

    def _multiplier(self, season: Season) -> Multiplier:
        year = range(self.last_day - 364, self.last_day + 1)
        inside = [day for day in year if season.includes(day)]
        outside = [day for day in year if not any(other.includes(day) for other in self.seasons)]
        outside = outside or [day for day in year if not season.includes(day)]
        above, above_row = self._mean(inside)
        below, below_row = self._mean(outside)
        sd = math.sqrt(self.posterior.variance([a - b for a, b in zip(above_row, below_row)]))
        observed = [day for day in self.days if season.includes(day)]
        by_season: dict[int, int] = {}
        for day in observed:  # days of one season are neighbours, so a season is known by its middle
            by_season.setdefault(round(day / YEAR - _middle(season)), 0)
            by_season[round(day / YEAR - _middle(season))] += 1
        return Multiplier(
            season.name,
            math.exp(above - below),
            math.exp(above - below - Z80 * sd),
            math.exp(above - below + Z80 * sd),
            sum(1 for number in by_season.values() if number >= 0.9 * len(inside)),
            len(observed),
            season.prior_multiplier,
        )

    def _mean(self, days: Sequence[int]) -> tuple[float, list[float]]:
        """Logarithm of the mean seasonal factor of some days, and the row whose value moves with it."""
        first = 2 + len(self.knots)
        rows = [[0.0] * first + self.row(day)[first:] for day in days]
        shares = [math.exp(self.posterior.value(row)) for row in rows]
        total = sum(shares)
        mixed = [sum(share * value for share, value in zip(shares, column)) / total for column in zip(*rows)]
        return math.log(total / len(days)), mixed


def fit_annual(levels: dict[int, tuple[float, float]], seasons: Sequence[Season]) -> Annual:
    """Fit the course of the daily levels (level, calls behind it)."""
    days = sorted(day for day, (level, _) in levels.items() if level > 0)
    last_day = days[-1]
    knots = [
        -age / YEAR for age in range(KNOT_DAYS, last_day - days[0] - KNOT_DAYS // 2, KNOT_DAYS)
    ]  # the last piece is a quarter long
    rows = [_row(day, last_day, knots, seasons) for day in days]
    values = [math.log(levels[day][0]) for day in days]
    weights = [levels[day][1] / (levels[day][1] + CALLS_OF_HALF_WEIGHT) for day in days]
    centre = sum(values) / len(values)
    # One year cannot tell a wave from growth, so waves come in as the second year is seen.
    second_year = min(1.0, max(0.0, (last_day - days[0] - 330) / 330))
    wave_sd = FIRST_WAVE_SD + second_year * (WAVE_SD - FIRST_WAVE_SD)
    priors = [
        Prior(centre, 5.0),
        Prior(0.0, PRIOR_GROWTH_SD),
        *(Prior(0.0, PRIOR_BEND_SD) for _ in knots),
        *(Prior(math.log(season.prior_multiplier), PRIOR_STEP_SD) for season in seasons),
        *(Prior(0.0, wave_sd / wave) for wave in range(1, WAVES + 1) for _ in range(2)),
    ]
    posterior = fit(list(zip(*rows)), values, weights, priors)
    return Annual(seasons, last_day, knots, posterior, days, posterior.residuals)


def _row(day: int, last_day: int, knots: Sequence[float], seasons: Sequence[Season]) -> list[float]:
    years = (day - last_day) / YEAR
    angle = 2 * math.pi * year_fraction(day)
    row = [1.0, years, *(max(0.0, years - knot) for knot in knots)]
    row += [1.0 if season.includes(day) else 0.0 for season in seasons]
    for wave in range(1, WAVES + 1):
        row += [math.sin(wave * angle), math.cos(wave * angle)]
    return row


def _middle(season: Season) -> float:
    """The middle of a season as a share of the year."""
    first, last = (int(bound[:2]) - 1 + int(bound[3:]) / 31 for bound in (season.first_day, season.last_day))
    return ((first + last + (12 if last < first else 0)) / 2 % 12) / 12
