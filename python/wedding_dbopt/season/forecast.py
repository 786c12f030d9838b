"""The model of one context, and its forecast by the hour and by the day with an 80 % interval.

What the regression leaves over goes on for a while: the recent residuals, smoothed, are carried forward and damped
(E. S. Gardner and E. McKenzie, Forecasting trends in time series, Management Science 31, 1985). How fast to forget and to
damp, and how far the truth lies apart at each distance, is measured on the history's own days.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wedding_dbopt.season.annual import Z80, Annual, fit_annual
from wedding_dbopt.season.calendar import Season
from wedding_dbopt.season.history import History, hour_of_week
from wedding_dbopt.season.profile import Profile, day_levels, fit_profile
from wedding_dbopt.season.regression import quantile

HALF_LIVES = (2.0, 4.0, 8.0, 16.0)
DAMPINGS = (0.93, 0.97, 1.0)
DISTANCES = (1, 2, 4, 7, 14, 21, 28)
YEAR_OF_DAYS = 400
OUTLIER = 3.0
CUTS = 12  # forecasts made again from the past, four weeks apart
SHORTEST_CUT = 120  # days of history that one of them needs
PRIOR_ERRORS = 84  # weight of the usual scale, in errors
PRIOR_SCALE = 1.2
UNKNOWN_WIDTH = 0.7  # half width, in logarithms, before the history can measure one


@dataclass(frozen=True)
class Expected:
    """Calls per minute in an hour (or calls in a day), with the interval that holds eight of ten."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class LoadModel:
    profile: Profile
    annual: Annual
    half_life: float
    damping: float
    carried: float  # smoothed residual of the last day
    widths: dict[int, float]  # distance in days -> half width of the 80 % interval, in logarithms

    def hours(self, local_hours: Sequence[int]) -> list[Expected]:
        result = []
        days: dict[int, tuple[float, float]] = {}
        for local in local_hours:
            day, place = local // 24, hour_of_week(local)
            if day not in days:
                days[day] = self.log_level(day)
            level, width = days[day]
            middle = level + math.log(self.profile.factors[place])
            width = math.hypot(width, self.profile.spreads[place])
            result.append(Expected(math.exp(middle), math.exp(middle - width), math.exp(middle + width)))
        return result

    def day(self, day: int) -> Expected:
        """Calls of a whole day."""
        level, width = self.log_level(day)
        begun = hour_of_week(day * 24)
        level += math.log(60 * sum(self.profile.factors[begun : begun + 24]))
        return Expected(math.exp(level), math.exp(level - width), math.exp(level + width))

    def log_level(self, day: int) -> tuple[float, float]:
        """Logarithm of the level of a day, and its half width."""
        ahead = max(0, day - self.annual.last_day)
        row = self.annual.row(day)
        known = self.annual.row(min(day, self.annual.last_day))
        drift = self.annual.posterior.variance([a - b for a, b in zip(row, known)])
        level = self.annual.posterior.value(row) + self.carried * self.damping**ahead
        return level, math.hypot(self._width(ahead), Z80 * math.sqrt(drift))

    def _width(self, ahead: int) -> float:
        near = max((distance for distance in self.widths if distance <= ahead), default=min(self.widths))
        far = min((distance for distance in self.widths if distance >= ahead), default=max(self.widths))
        if near == far:
            return self.widths[near]
        share = (ahead - near) / (far - near)
        return self.widths[near] + share * (self.widths[far] - self.widths[near])


def fit_load(history: History, seasons: Sequence[Season]) -> LoadModel:
    """Fit the model of one context; the history must hold at least one hour with calls."""
    profile = fit_profile(history)
    levels = day_levels(history, profile.factors)
    annual = fit_annual(levels, seasons)
    residuals = _by_day(annual)
    half_life, damping = min(
        ((half_life, damping) for half_life in HALF_LIVES for damping in DAMPINGS),
        key=lambda choice: _loss(residuals, *choice),
    )
    model = _model(profile, annual, half_life, damping)
    scale = _honest_scale(levels, model)
    return replace(model, widths={distance: scale * width for distance, width in model.widths.items()})


def _model(profile: Profile, annual: Annual, half_life: float, damping: float) -> LoadModel:
    residuals = _by_day(annual)
    smoothed = _smoothed(residuals, half_life, annual.posterior.sd)
    return LoadModel(profile, annual, half_life, damping, smoothed[-1], _widths(residuals, smoothed, damping))


def _honest_scale(levels: dict[int, tuple[float, float]], model: LoadModel) -> float:
    """By how much the errors of forecasts made without the days they speak of exceed the widths, which were measured on
    days that the regression knew."""
    scales = []
    for months in range(1, CUTS + 1):
        last_day = model.annual.last_day - months * 28
        known = {day: level for day, level in levels.items() if day <= last_day}
        if len(known) < SHORTEST_CUT:
            break
        then = _model(model.profile, fit_annual(known, model.annual.seasons), model.half_life, model.damping)
        for day in range(last_day + 1, last_day + 29):
            if day in levels and levels[day][0] > 0:
                middle, width = then.log_level(day)
                scales.append(abs(math.log(levels[day][0]) - middle) / width)
    trust = len(scales) / (len(scales) + PRIOR_ERRORS)
    return trust * quantile(scales, 0.8) + (1 - trust) * PRIOR_SCALE


def _by_day(annual: Annual) -> list[float | None]:
    """The residuals of the last year day by day; None where a day was not observed."""
    known = dict(zip(annual.days, annual.residuals))
    first = max(annual.days[0], annual.last_day - YEAR_OF_DAYS)
    return [known.get(day) for day in range(first, annual.last_day + 1)]


def _smoothed(residuals: list[float | None], half_life: float, sd: float) -> list[float]:
    """The state after each day; a day far off moves it no more than one that is three standard deviations away."""
    keep = 0.5 ** (1 / half_life)
    state, result = 0.0, []
    for residual in residuals:
        if residual is not None:
            step = max(-OUTLIER * sd, min(OUTLIER * sd, residual - state))
            state += (1 - keep) * step
        result.append(state)
    return result


def _errors(
    residuals: list[float | None], smoothed: list[float], damping: float, distance: int
) -> list[float]:
    faded = damping**distance
    return [
        abs(later - state * faded)
        for state, later in zip(smoothed, residuals[distance:])
        if later is not None
    ]


def _loss(residuals: list[float | None], half_life: float, damping: float) -> float:
    known = [abs(residual) for residual in residuals if residual is not None]
    smoothed = _smoothed(residuals, half_life, 1.4826 * quantile(known, 0.5))
    losses = [_errors(residuals, smoothed, damping, distance) for distance in (1, 7, 14, 28)]
    return sum(sum(errors) / len(errors) for errors in losses if errors)


def _widths(residuals: list[float | None], smoothed: list[float], damping: float) -> dict[int, float]:
    """Half widths by distance: the measured 80 % of the errors, as far as the history reaches; never narrower further
    ahead. Few errors are mixed with a wide guess."""
    widths = {}
    widest = 0.0
    for distance in DISTANCES:
        errors = _errors(residuals, smoothed, damping, distance)
        trust = len(errors) / (len(errors) + 10)
        widest = max(widest, trust * quantile(errors, 0.8) + (1 - trust) * UNKNOWN_WIDTH)
        widths[distance] = widest
    return widths
