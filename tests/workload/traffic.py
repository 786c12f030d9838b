"""Traffic of a wedding platform over years, minute by minute or hour by hour, for what learns from it.

It is made otherwise than the model that is judged on it: hours come from bumps that move from day to day, seasons rise and
fall on slopes of their own with a dip in high summer, growth wanders, robots and jobs add load that knows no season, noise
goes on for minutes, hours and days, counts are overdispersed, holidays move, promotions come unannounced, passes are
missing, and clocks change.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

UTC = timezone.utc
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Count:
    """What one interval of `minutes` that ended at `at` brought; `observed` is False where no pass saw it."""

    at: datetime
    minutes: float
    calls: int
    observed: bool


@dataclass
class Traffic:
    """One context's traffic. `peak` calls a minute or so at the busiest hour outside the season, in the first year."""

    seed: int
    first: date
    days: int
    peak: float = 60.0
    season: float = 3.0  # height of the wedding season's plateau over the quiet months, before anything else
    proposal: float = 1.3
    growth: float = 0.35  # per year, as the wandering begins
    zone: str = "Europe/Berlin"
    peaks: tuple[float, float] = (11.0, 20.0)  # local hours
    robots: float = 0.05  # of the peak, day and night
    promotions_per_year: float = 10.0
    missing: float = 0.01  # share of single passes that are missing
    dispersion: float = 0.04
    _growth: list[float] = field(init=False)
    _noise: list[float] = field(init=False)
    _shift: list[float] = field(init=False)
    _promotion: dict[int, float] = field(init=False)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        speed, level, noise = self.growth, 0.0, 0.0
        self._growth, self._noise, self._shift = [], [], []
        self._promotion = {}
        for day in range(self.days):
            speed += chance.gauss(0, 0.02) + 0.004 * (self.growth - speed)
            level += math.log1p(max(-0.9, speed)) / 365
            if chance.random() < 1 / 400:
                level += chance.choice((-0.06, 0.05, 0.1))  # a partner comes or goes
            noise = 0.75 * noise + chance.gauss(0, 0.05)
            self._growth.append(level)
            self._noise.append(noise + chance.gauss(0, 0.03))
            self._shift.append(chance.gauss(0, 0.25))
            if chance.random() < self.promotions_per_year / 365:
                self._promotion[day] = chance.uniform(1.3, 1.9)

    # ---------------------------------------------------------------- what is true without noise
    def season_factor(self, day: date) -> float:
        """Slopes of some weeks, a dip in August, more in June and September; and the winter of proposals."""
        place = day.timetuple().tm_yday
        rise = 1 / (1 + math.exp(-(place - 121) / 6))
        fall = 1 / (1 + math.exp((place - 304) / 6))
        plateau = (
            1
            + 0.12 * math.cos((place - 155) / 50 * 2 * math.pi)
            - 0.1 * math.exp(-(((place - 225) / 12) ** 2))
        )
        winter = 1 / (1 + math.exp(-((place - 305) if place > 180 else (place + 60)) / 4))
        winter *= 1 / (1 + math.exp(((place - 59) if place <= 180 else (place - 424)) / 4))
        return (1 + (self.season - 1) * rise * fall * plateau) * (1 + (self.proposal - 1) * winter)

    def multiplier(self, months: range | tuple[int, ...], base: tuple[int, ...] = (3, 4)) -> float:
        """The true multiplier of a season by its months: mean load inside against mean load in the base months."""
        year = [date(2021, 1, 1) + timedelta(days=n) for n in range(365)]
        mean = {
            name: sum(self._day_total(day) for day in year if day.month in wanted)
            / sum(1 for day in year if day.month in wanted)
            for name, wanted in (("in", tuple(months)), ("base", base))
        }
        return mean["in"] / mean["base"]

    def _day_total(self, day: date) -> float:
        return (
            sum(self._curve(day.weekday(), hour + 0.5, 0.0) for hour in range(24)) * self.season_factor(day)
            + 24 * self.robots
        )

    def _curve(self, weekday: int, hour: float, shift: float) -> float:
        weekend = weekday >= 5
        first, second = self.peaks
        curve = 0.04
        curve += (0.55 if weekend else 0.85) * _bump(hour, first + (1.0 if weekend else 0.0) + shift, 2.6)
        curve += (1.15 if weekday == 6 else 0.8 if weekday == 5 else 0.95) * _bump(hour, second + shift, 2.2)
        curve += 0.35 * _bump(hour, (first + second) / 2 + shift, 3.5)
        return curve

    def _holiday(self, day: date) -> float:
        return _holidays(day.year).get(day, 1.0)

    # ---------------------------------------------------------------- what is observed
    def counts(
        self,
        step_minutes: int = 60,
        since: date | None = None,
        until: date | None = None,
        surges: list[tuple[datetime, datetime, float]] | None = None,
    ) -> Iterator[Count]:
        """Each interval from `since` to `until` (local days at UTC midnight); surges are (begin, end, factor)."""
        begun = since or self.first
        ended = until or self.first + timedelta(days=self.days)
        chance = random.Random(f"{self.seed} {begun} {step_minutes}")
        zone = ZoneInfo(self.zone)
        step = timedelta(minutes=step_minutes)
        at = datetime.combine(begun, datetime.min.time(), UTC)
        end = datetime.combine(ended, datetime.min.time(), UTC)
        keep = math.exp(-step_minutes / 40)
        wander, jump = 0.0, 0.11 * math.sqrt(1 - keep * keep)
        hidden_until = at
        queue = sorted(surges or [])
        local_hour, offset = None, timedelta(0)
        while at < end:
            if at.hour != local_hour:
                offset = at.astimezone(zone).utcoffset() or timedelta(0)
                local_hour = at.hour
            local = at + offset + step / 2
            day = local.date()
            number = max(0, min(self.days - 1, (day - self.first).days))
            hour = local.hour + local.minute / 60
            people = (
                self._curve(day.weekday(), hour, self._shift[number])
                * self.season_factor(day)
                * self._holiday(day)
            )
            if number in self._promotion:
                people *= 1 + (self._promotion[number] - 1) / (1 + math.exp(-(hour - 9) * 2))
            wander = keep * wander + chance.gauss(0, jump)
            people *= math.exp(wander + self._noise[number])
            rate = self.peak * math.exp(self._growth[number]) * (people + self.robots)
            if step_minutes == 1 and local.minute == 0:
                rate += 0.15 * self.peak  # the jobs of the full hour
            factor = 1.0
            while queue and queue[0][1] <= at:
                queue.pop(0)
            for surge_begin, surge_end, times in queue[:2]:
                share = (min(at + step, surge_end) - max(at, surge_begin)) / step
                if share > 0:
                    factor += share * (times - 1)
            at += step
            calls = _negative_binomial(
                chance, rate * factor * step_minutes, self.dispersion / math.sqrt(step_minutes)
            )
            if chance.random() < step_minutes / (60 * 24 * 45):
                hidden_until = at + timedelta(hours=chance.choice((0.3, 2, 9)))
            observed = at >= hidden_until and (step_minutes > 1 or chance.random() >= self.missing)
            yield Count(at, step_minutes, calls, observed)


def _bump(hour: float, centre: float, width: float) -> float:
    apart = (hour - centre + 12) % 24 - 12
    return math.exp(-((apart / width) ** 2))


@lru_cache
def _holidays(year: int) -> dict[date, float]:
    """Quiet days, some at moving dates, and the busy days after them."""
    sunday = _easter(year)
    thanksgiving = date(year, 11, 1) + timedelta(days=(3 - date(year, 11, 1).weekday()) % 7 + 21)
    days = {
        date(year, 12, 24): 0.4,
        date(year, 12, 25): 0.35,
        date(year, 12, 26): 0.6,
        date(year, 12, 31): 0.5,
    }
    days |= {date(year, 1, 1): 0.5, date(year, 1, 2): 1.2, date(year, 2, 15): 1.3, thanksgiving: 0.5}
    for apart, factor in ((-2, 0.6), (0, 0.55), (1, 0.65), (2, 1.15), (39, 0.75), (50, 0.7)):
        days[sunday + timedelta(days=apart)] = factor
    return days


def _easter(year: int) -> date:
    """The anonymous Gregorian rule."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def poisson(expected: float, chance: random.Random) -> int:
    """A Poisson number; from 40 on a rounded normal one."""
    if expected > 40:
        return max(0, round(chance.gauss(expected, math.sqrt(expected))))
    limit, product, number = math.exp(-expected), chance.random(), 0
    while product > limit:
        product *= chance.random()
        number += 1
    return number


def _negative_binomial(chance: random.Random, mean: float, dispersion: float) -> int:
    """Variance mean + dispersion x mean^2: a Poisson number of a gamma-distributed rate."""
    return poisson(chance.gammavariate(1 / dispersion, mean * dispersion), chance)
