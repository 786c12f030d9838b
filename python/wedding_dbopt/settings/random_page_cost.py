"""Tell the planner what a block from this disk really costs.

Why: the default of 4 is that of a spinning disk; on an SSD, or when all is cached, it makes the planner shun indexes.
Sound when: reads were measured in number (track_io_timing), and some statement would be planned differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wedding_dbopt.settings.advice import Advice, Affected
from wedding_dbopt.settings.figures import MIN_HOURS, Server
from wedding_dbopt.settings.parameters import for_database

KIND = "parameter_adjustment"
NAME = "random_page_cost"
#: Milliseconds of a measured read up to which a value is advised.
VALUES = ((0.1, "1.1"), (0.4, "1.5"), (1.0, "2"))


def wanted(server: Server) -> str | None:
    """The value that the measured reads ask for, None without evidence or when it is lower already."""
    found = server.finding("dear_random_reads")
    parameter = server.parameter(NAME)
    if found is None or parameter is None or server.hours < MIN_HOURS:
        return None
    per_block = float(found.evidence["ms_per_block"])
    value = next((text for limit, text in VALUES if per_block < limit), None)
    now = parameter.database_value or parameter.value
    return value if value is not None and float(value) < float(now) else None


def precondition(server: Server, replanned: Sequence[Affected]) -> bool:
    """Whether there is a better value, and a statement to which it makes a difference."""
    return wanted(server) is not None and bool(replanned)


def advise(server: Server, replanned: Sequence[Affected]) -> Iterator[Advice]:
    """`replanned` are the statements that get another plan with the value of `wanted`."""
    value, parameter, found = wanted(server), server.parameter(NAME), server.finding("dear_random_reads")
    if not precondition(server, replanned) or value is None or parameter is None or found is None:
        return
    change = for_database(parameter, server.database, value)
    now = parameter.database_value or parameter.value
    yield Advice(
        kind=KIND,
        rule="random_page_cost",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="moderate",
        goal="gain",
        parameter=NAME,
        value=value,
        basis="not estimated: costs before and after are in different money; the plans that change are named",
        affected=tuple(replanned),
        evidence={**found.evidence, "value": now, "replanned": len(replanned)},
        reason=f"A block was read in {float(found.evidence['ms_per_block']):.3f} ms on average "
        f"({int(found.evidence['blocks'])} blocks in the last hour), but {NAME} is {now}. With {value}, "
        f"{len(replanned)} statements of this database get another plan. Sessions begun afterwards have it.",
    )
