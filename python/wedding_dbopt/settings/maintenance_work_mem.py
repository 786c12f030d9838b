"""Give vacuum and index builds memory that fits the largest table.

Why: vacuum goes over all indexes once for each filling of its memory, an index build merges more runs.
Sound when: the table is larger than 1 GB, the memory small, and what all autovacuum workers may take fits the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wedding_dbopt.settings.advice import Advice, size
from wedding_dbopt.settings.figures import Server, fits
from wedding_dbopt.settings.parameters import for_system

KIND = "parameter_adjustment"
NAME = "maintenance_work_mem"


def wanted(server: Server) -> int | None:
    """Megabytes: a thirty-second of the memory, 256 to 1024; None when nothing is known or it does not fit."""
    parameter = server.parameter(NAME)
    if server.memory is None or parameter is None:
        return None
    value = min(1024, max(256, server.memory // 32 // 2**20))
    larger = replace(parameter, value=str(value * 1024), unit="kB")
    roomier = replace(server, parameters={**server.parameters, NAME: larger})
    return value if fits(roomier, {}) else None


def precondition(server: Server) -> bool:
    """Whether the health check found it small and a larger one fits."""
    return server.finding("small_maintenance_memory") is not None and wanted(server) is not None


def advise(server: Server) -> Iterator[Advice]:
    parameter, found, value = (
        server.parameter(NAME),
        server.finding("small_maintenance_memory"),
        wanted(server),
    )
    if parameter is None or found is None or value is None or not parameter.reloadable:
        return
    change = for_system(parameter, f"{value}MB")
    yield Advice(
        kind=KIND,
        rule="maintenance_work_mem",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="moderate",
        parameter=NAME,
        value=f"{value}MB",
        basis="none: vacuum and index builds get faster, statements do not",
        evidence=dict(found.evidence),
        reason=f"{NAME} is {size(parameter.bytes)} and the largest table {size(float(found.evidence['largest_table']))}. "
        f"With {value} MB for each autovacuum worker the worst moment still fits nine tenths of the memory.",
    )
