"""The load of one context by the hour, as it was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WEEK = 168


@dataclass(frozen=True)
class History:
    """One entry per observed hour, in order: its local hour (hours since 1970-01-01 00:00 local time), calls per minute,
    and the minutes that were observed. Hours without any collection pass are absent."""

    local_hours: Sequence[int]
    rates: Sequence[float]
    minutes: Sequence[float]

    def after(self, local_hour: int) -> History:
        """Only what is not before a local hour."""
        kept = [i for i, hour in enumerate(self.local_hours) if hour >= local_hour]
        return History(
            [self.local_hours[i] for i in kept],
            [self.rates[i] for i in kept],
            [self.minutes[i] for i in kept],
        )


def hour_of_week(local_hour: int) -> int:
    """0 is Monday, 0 o'clock (1970-01-01 was a Thursday)."""
    return (local_hour + 72) % WEEK
