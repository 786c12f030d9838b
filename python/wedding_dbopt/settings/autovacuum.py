"""Switch autovacuum on, and let it keep up.

Why: dead rows pile up, statistics grow old, and at the end of the transaction ids the server stops.
Sound when: it is off; or all its workers were busy while tables lay past the point at which they should be vacuumed. More
workers need a restart and share one allowance, so the allowance is raised, not their number.
"""

from __future__ import annotations

from collections.abc import Iterator

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import for_system

KIND = "parameter_adjustment"


def precondition(server: Server) -> bool:
    """Whether autovacuum is off, or starved."""
    return _is_off(server) or _starved(server) > 0


def _is_off(server: Server) -> bool:
    parameter = server.parameter("autovacuum")
    return parameter is not None and parameter.value == "off" and parameter.reloadable


def _starved(server: Server) -> int:
    """Tables past due while every worker is at work."""
    workers = server.parameter("autovacuum_max_workers")
    if workers is None or server.autovacuum_workers_peak is None:
        return 0
    if server.autovacuum_workers_peak < workers.number:
        return 0
    due = sum(1 for found in server.findings if found.kind == "dead_rows")
    return due if due >= workers.number else 0


def advise(server: Server) -> Iterator[Advice]:
    switch, limit = server.parameter("autovacuum"), server.parameter("vacuum_cost_limit")
    if switch is not None and _is_off(server):
        change = for_system(switch, "on")
        yield Advice(
            kind=KIND,
            rule="autovacuum",
            target=change.target,
            sql=change.sql,
            rollback_sql=change.rollback_sql,
            locks=change.locks,
            level="conservative",
            parameter="autovacuum",
            value="on",
            basis="none: it keeps tables from growing without bound",
            reason="autovacuum is off: dead rows pile up, statistics grow old, and at the end of the transaction ids the "
            "server stops.",
        )
    own = server.parameter("autovacuum_vacuum_cost_limit")
    if limit is None or own is None or not own.reloadable or _starved(server) == 0:
        return
    now = int(own.number if own.number > 0 else limit.number)
    value = min(2 * now, 2000)
    if value <= now:
        return
    change = for_system(own, str(value))
    yield Advice(
        kind=KIND,
        rule="autovacuum",
        target=change.target,
        sql=change.sql,
        rollback_sql=change.rollback_sql,
        locks=change.locks,
        level="moderate",
        parameter="autovacuum_vacuum_cost_limit",
        value=str(value),
        evidence={"tables_due": _starved(server), "workers": server.autovacuum_workers_peak, "limit": now},
        reason=f"All {server.autovacuum_workers_peak} autovacuum workers were busy while {_starved(server)} tables lay past "
        f"the point at which they should be vacuumed. The workers share an allowance of {now}; {value} lets them do twice "
        f"as much I/O.",
    )
