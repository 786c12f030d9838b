"""The time that a search may take, divided among its steps."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]


class TimeBudget:
    """So many seconds by a clock, from now on."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self._started = clock()
        self._seconds = seconds

    def end(self, share: float = 1.0) -> float:
        """The clock's moment at which a share of the time, or all of it, is gone."""
        return self._started + share * self._seconds

    def is_over(self, share: float = 1.0) -> bool:
        """Whether a share of the time, or all of it, is gone."""
        return self.clock() > self.end(share)
