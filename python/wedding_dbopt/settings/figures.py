"""The figures that the advisers of parameters share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wedding_dbopt.settings.parameters import Parameter

#: Share of the machine's memory that settings may promise at the worst moment (peers: DBtune's guard).
MEMORY_SHARE = 0.90
#: Hours of history below which nothing is concluded from rates.
MIN_HOURS = 0.5


@dataclass(frozen=True)
class Finding:
    """A row of the health check that is this adviser's evidence: its kind, object, numbers and sentence."""

    kind: str
    object: str
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    relid: int | None = None
    statements: tuple[int, ...] = ()
    cause: str | None = None


@dataclass(frozen=True)
class Server:
    """The machine, the load of the window, and the parameters by name.

    Sizes are bytes; peaks are the most seen at once. `season_factor` is what today's load has to be multiplied by to
    reach the busiest season (1 in it). None = not measured.
    """

    database: str
    parameters: Mapping[str, Parameter]
    hours: float = 0.0
    memory: int | None = None
    memory_available: int | None = None
    backend_memory: int | None = None
    connections_peak: int | None = None
    active_peak: int | None = None
    connections_usable: int = 97
    by_role: Mapping[str, int] = field(default_factory=dict)
    season_factor: float = 1.0
    disk_free: int | None = None
    disk_total: int | None = None
    requested_checkpoints: int = 0
    timed_checkpoints: int = 0
    wal_bytes: float = 0.0
    blocks_hit: int = 0
    blocks_read: int = 0
    read_ms: float = 0.0
    autovacuum_workers_peak: int | None = None
    findings: tuple[Finding, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        return self.parameters.get(name)

    def finding(self, kind: str) -> Finding | None:
        """The health check's finding of this kind, if there is one."""
        return next((found for found in self.findings if found.kind == kind), None)

    @property
    def session_memory(self) -> float | None:
        """Bytes of one work_mem as a hash may use it, times hash_mem_multiplier; None when unknown."""
        work = self.parameter("work_mem")
        return None if work is None else work.bytes * self.hash_factor

    @property
    def hash_factor(self) -> float:
        factor = self.parameter("hash_mem_multiplier")
        return max(1.0, factor.number) if factor is not None else 1.0


def promised(server: Server, extra: Mapping[str, float]) -> float | None:
    """Bytes that the server may use at the worst moment of the busiest season; None when a figure is missing.

    shared_buffers, one work_mem for each connection seen at once (times the season, at most the usable ones), the
    maintenance memory of the autovacuum workers. `extra` gives what single roles get per connection instead.
    """
    shared = server.parameter("shared_buffers")
    maintenance = server.parameter("maintenance_work_mem")
    work = server.session_memory
    if shared is None or maintenance is None or work is None or server.connections_peak is None:
        return None
    season = max(1.0, server.season_factor)
    connections = min(float(server.connections_usable), server.connections_peak * season)
    special = 0.0
    left = connections
    for role, memory in extra.items():
        here = min(left, server.by_role.get(role, server.connections_peak) * season)
        special += here * memory
        left -= here
    own = (server.backend_memory or 0) * connections
    workers = server.parameter("autovacuum_max_workers")
    cleaning = maintenance.bytes * (workers.number if workers is not None else 3.0)
    return shared.bytes + own + special + left * work + cleaning


def fits(server: Server, extra: Mapping[str, float]) -> bool:
    """Whether the memory promised stays within its share; False when it cannot be known."""
    need = promised(server, extra)
    return need is not None and server.memory is not None and need <= MEMORY_SHARE * server.memory
