"""What is learned from synthetic traffic, against what is true: for the tests and for the benchmark."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from wedding_dbopt.season.annual import Multiplier
from wedding_dbopt.season.calendar import EPOCH, Season
from wedding_dbopt.season.forecast import fit_load
from wedding_dbopt.season.history import History, hour_of_week
from wedding_dbopt.season.profile import fit_profile

from tests.workload.traffic import Count, Traffic

SEASONS = (Season("wedding", "05-01", "10-31", 4.0), Season("proposal", "11-01", "02-29", 1.0))
DAYS_AHEAD = 28


@dataclass(frozen=True)
class Hour:
    begun: datetime
    local: int
    rate: float
    minutes: float


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_hour(at: datetime, zone: str) -> int:
    local = at.astimezone(_zone(zone))
    return (local.date() - EPOCH).days * 24 + local.hour


def hours_of(counts: Iterable[Count], zone: str) -> list[Hour]:
    """The hours as the roll-up would store them: calls per observed minute."""
    sums: dict[datetime, list[float]] = {}
    for count in counts:
        begun = (count.at - timedelta(microseconds=1)).replace(minute=0, second=0, microsecond=0)
        entry = sums.setdefault(begun, [0.0, 0.0])
        if count.observed:
            entry[0] += count.calls
            entry[1] += count.minutes
    return [Hour(at, local_hour(at, zone), s[0] / s[1] if s[1] else 0.0, s[1]) for at, s in sums.items()]


def history(hours: list[Hour]) -> History:
    seen = [hour for hour in hours if hour.minutes > 0]
    return History([h.local for h in seen], [h.rate for h in seen], [h.minutes for h in seen])


def profile_of(traffic: Traffic) -> list[float]:
    """The mean factor of each hour of the day."""
    factors = fit_profile(history(hours_of(traffic.counts(60), traffic.zone))).factors
    return [sum(factors[day * 24 + hour] for day in range(7)) / 7 for hour in range(24)]


@dataclass(frozen=True)
class Learned:
    """A season's multiplier as learned; `error` is its distance from the truth as a share of it."""

    error: float
    low: float
    high: float
    seasons_observed: int


def platform(seed: int, years: int) -> Traffic:
    """A platform of its own size, season and growth, from the first of March on."""
    chance = random.Random(f"platform {seed}")
    return Traffic(
        seed,
        date(2022, 3, 1),
        365 * years + 40,
        season=chance.uniform(2, 5),
        proposal=chance.uniform(0.8, 2.5),
        growth=chance.uniform(0, 0.8),
        peak=chance.choice((20, 60, 300)),
    )


def learned_multipliers(seed: int) -> tuple[Learned, Learned]:
    """The wedding season's multiplier at the end of the first season that was seen whole, and of the second."""
    traffic = platform(seed, 2)
    hours = hours_of(traffic.counts(60), traffic.zone)
    true = traffic.multiplier(range(5, 11))
    learned = []
    for days in (250, 365 + 250):
        found: Multiplier = fit_load(history(hours[: days * 24]), SEASONS).annual.multipliers()[0]
        learned.append(
            Learned(abs(found.multiplier / true - 1), found.low, found.high, found.seasons_observed)
        )
    return learned[0], learned[1]


@dataclass(frozen=True)
class ForecastErrors:
    """Sums of absolute errors in calls per minute over hours: ours, the same hour of the last known week, the same hour
    a year (364 days) before; and how often the truth lay in our interval."""

    ours: float
    last_week: float
    last_year: float
    hours: int
    hours_covered: int
    days: int
    days_covered: int


def forecast_errors(seed: int, origins_apart: int = 7) -> ForecastErrors:
    """Forecasts of four weeks from origins through a year that no fit has seen, after two years of history."""
    traffic = platform(seed, 3)
    hours = hours_of(traffic.counts(60), traffic.zone)
    sums = [0.0, 0.0, 0.0]
    counted = [0, 0, 0, 0]
    for origin in range(365 * 2, 365 * 3 - DAYS_AHEAD, origins_apart):
        now = origin * 24
        model = fit_load(history(hours[:now]), SEASONS)
        coming = hours[now : now + DAYS_AHEAD * 24]
        week = {hour_of_week(hour.local): hour.rate for hour in hours[now - 336 : now] if hour.minutes > 0}
        year = {hour.local + 364 * 24: hour.rate for hour in hours[now - 366 * 24 : now] if hour.minutes > 0}
        days: dict[int, list[float]] = {}
        for hour, expected in zip(coming, model.hours([hour.local for hour in coming])):
            place = hour_of_week(hour.local)
            if hour.minutes == 0 or hour.local not in year or place not in week:
                continue
            sums[0] += abs(hour.rate - expected.expected)
            sums[1] += abs(hour.rate - week[place])
            sums[2] += abs(hour.rate - year[hour.local])
            counted[0] += 1
            counted[1] += expected.low <= hour.rate <= expected.high
            days.setdefault(hour.local // 24, []).append(60 * hour.rate)
        for day, calls in days.items():
            if len(calls) == 24:
                expected = model.day(day)
                counted[2] += 1
                counted[3] += expected.low <= sum(calls) <= expected.high
    return ForecastErrors(sums[0], sums[1], sums[2], counted[0], counted[1], counted[2], counted[3])
