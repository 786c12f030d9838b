"""Tell the planner how much of the database can be cached.

Why: it decides whether repeated index reads are thought to come from memory.
Sound when: the machine's memory is known and the setting is above it, or far below it for a database that is larger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wedding_dbopt.settings.advice import Advice, Affected, size
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import narrowest

KIND = "parameter_adjustment"
NAME = "effective_cache_size"
#: Share of the memory that is left for the server's and the system's cache.
SHARE = 0.7


def wanted(server: Server) -> str | None:
    """The value that fits the machine, in MB; None without evidence."""
    if server.finding("wrong_cache_size") is None or server.memory is None:
        return None
    return f"{int(SHARE * server.memory) // 2**20}MB"


def precondition(server: Server, replanned: Sequence[Affected]) -> bool:
    """Whether it is wrong; too large a value is wrong by itself, a smaller one only where it makes a difference."""
    found = server.finding("wrong_cache_size")
    if found is None or server.memory is None:
        return False
    return float(found.evidence["bytes"]) > server.memory or bool(replanned)


def advise(server: Server, replanned: Sequence[Affected]) -> Iterator[Advice]:
    """`replanned` are the statements that get another plan with the value of `wanted`."""
    value, parameter, found = wanted(server), server.parameter(NAME), server.finding("wrong_cache_size")
    if not precondition(server, replanned) or value is None or parameter is None or found is None:
        return
    change = narrowest(parameter, server.database, value)
    if change is None:
        return
    yield Advice(
        kind=KIND,
        rule="effective_cache_size",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        parameter=NAME,
        value=value,
        basis="not estimated: costs before and after are in different money; the plans that change are counted",
        affected=tuple(replanned),
        evidence={**found.evidence, "replanned": len(replanned)},
        reason=f"{NAME} is {size(float(found.evidence['bytes']))} on a machine with {size(server.memory or 0)} of memory; "
        f"with {value} {len(replanned)} statements get another plan. Sessions begun afterwards have it.",
    )
