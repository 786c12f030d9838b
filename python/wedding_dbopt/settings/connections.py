"""The figures of connections: who holds how many, how many there may be, and what is coming."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Utilisation of the usable connections, in percent, from which scaling is advised.
BUSY_PERCENT = 70.0
#: A coming load of less than this multiple needs no preparation.
COMING_FACTOR = 1.2


@dataclass(frozen=True)
class RoleLoad:
    """A role's sessions in the window; `limit` is its CONNECTION LIMIT, -1 none."""

    role: str
    superuser: bool
    peak: int
    active_peak: int
    limit: int = -1
    context: str = "other"


@dataclass(frozen=True)
class Connections:
    """Use of the server's connections. `usable` is max_connections less those kept for superusers.

    `busy` sessions on average in the busiest five minutes; `coming_factor` is what the load of the coming two days is
    expected to be, as a multiple of today's, by the forecast or else by the calendar; `coming` says by which.
    `other_databases` are connections of other databases at their most; `database_limit` is -1 for none.
    """

    database: str
    usable: int
    peak: int
    busy: float
    roles: tuple[RoleLoad, ...] = ()
    coming_factor: float = 1.0
    coming: str = "nothing out of the ordinary is expected"
    other_databases: int = 0
    database_limit: int = -1
    season: str | None = None
    pool_needed: int = 0
    pool_shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        return 100.0 * self.peak / self.usable if self.usable else 0.0

    @property
    def occasion(self) -> str | None:
        """Why connections are to be scaled now, in words; None when there is no cause."""
        if self.percent > BUSY_PERCENT:
            return f"{self.peak} of {self.usable} usable connections were in use ({self.percent:.0f} %)"
        if self.coming_factor >= COMING_FACTOR:
            return f"{self.coming_factor:.1f} times today's load is coming: {self.coming}"
        return None

    @property
    def bound_to(self) -> str | None:
        """The season for which alone connections are scaled: what a season needs goes with it."""
        return self.season if self.percent <= BUSY_PERCENT and self.coming_factor >= COMING_FACTOR else None
