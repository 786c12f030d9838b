"""The calendar's seasons by local day. Days are counted from 1970-01-01, as SQL's `date - date '1970-01-01'` does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Season:
    """A row of the calendar: month-day bounds (MM-DD), both inclusive; it may run over the new year."""

    name: str
    first_day: str
    last_day: str
    prior_multiplier: float

    def includes(self, day: int) -> bool:
        today = (EPOCH + timedelta(days=day)).strftime("%m-%d")
        if self.first_day <= self.last_day:
            return self.first_day <= today <= self.last_day
        return today >= self.first_day or today <= self.last_day


def year_fraction(day: int) -> float:
    """Where in its year a day lies, from 0 to 1."""
    when = EPOCH + timedelta(days=day)
    begun = date(when.year, 1, 1)
    return (when - begun).days / (date(when.year + 1, 1, 1) - begun).days
