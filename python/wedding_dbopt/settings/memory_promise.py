"""Say when settings promise more memory than the machine has.

Why: when the kernel has no memory left it kills a server process, and every connection with it.
Sound when: the connections were really seen, not only allowed. Less work_mem slows statements, so a person decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice, size
from wedding_dbopt.settings.figures import MEMORY_SHARE, Server, promised
from wedding_dbopt.settings.parameters import for_system

KIND = "parameter_adjustment"


def precondition(server: Server) -> bool:
    """Whether the worst moment of the busiest season needs more than the guard's share."""
    need = promised(server, {})
    return need is not None and server.memory is not None and need > MEMORY_SHARE * server.memory


def advise(server: Server) -> Iterator[Advice]:
    parameter = server.parameter("work_mem")
    need = promised(server, {})
    if not precondition(server) or parameter is None or need is None or server.memory is None:
        return
    if not parameter.reloadable or server.connections_peak is None:
        return
    connections = min(
        float(server.connections_usable), server.connections_peak * max(1.0, server.season_factor)
    )
    over = need - MEMORY_SHARE * server.memory
    fitting = (parameter.bytes * server.hash_factor - over / connections) / server.hash_factor
    value = max(1024, int(fitting // 1024))
    change = for_system(parameter, f"{value}kB")
    yield Advice(
        kind=KIND,
        rule="memory_promise",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="aggressive",
        most="approve",
        parameter="work_mem",
        value=f"{value}kB",
        evidence={
            "promised_bytes": round(need),
            "memory_bytes": server.memory,
            "connections": round(connections),
        },
        reason=f"shared_buffers, {round(connections)} connections of the busiest season with {size(parameter.bytes)} of "
        f"work_mem each and the autovacuum workers may use {size(need)} of {size(server.memory)}. Nine tenths is the "
        f"limit: lower work_mem, or put a pooler in front so that there are fewer connections.",
    )
