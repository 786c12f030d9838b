"""The time that a search may take, divided among its steps."""

from __future__ import annotations

from collections.abc import Callable

from wedding_dbopt.database import Database

Clock = Callable[[], float]
#: So many seconds may pass until a cancel is noticed.
_NOTICED = 0.2


def attentive(database: Database, clock: Clock) -> Clock:
    """The clock for a search that computes for seconds: whoever reads it lets the server cancel the call now and then.

    Raises StatementCancelled.
    """
    due = clock()

    def read() -> float:
        nonlocal due
        now = clock()
        if now >= due:
            due = now + _NOTICED
            database.query("select pg_catalog.pg_sleep(0)")
        return now

    return read


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
