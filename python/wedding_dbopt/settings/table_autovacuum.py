"""Let autovacuum come to a large, busy table earlier than at a fifth of its rows.

Why: at the default a table of ten million rows gathers two million dead ones first, then has a long vacuum.
Sound when: that many dead rows were really seen, and the new threshold is still a quarter of an hour's work or more.
An append-only table is frozen as it is vacuumed, so that no great freeze comes later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import MIN_HOURS, Server
from wedding_dbopt.settings.tables import SETS_OPTIONS, Table, set_options

KIND = "table_setting"
SCALE = "autovacuum_vacuum_scale_factor"
THRESHOLD = "autovacuum_vacuum_threshold"
MIN_ROWS = 100_000
#: Dead rows seen, as a share of the live ones, from which a table is worth an earlier vacuum.
DEAD_SHARE = 0.1
LEAST, MOST = 0.005, 0.05
#: A vacuum should not come again before it has this much to do, in hours of the measured rate.
HOURS_APART = 0.5
APPEND_ROWS = 1_000_000


def precondition(server: Server, tables: Sequence[Table]) -> list[tuple[Table, float]]:
    """Tables with the scale factor they should have, where that is half of what they have now, or less."""
    wanted: list[tuple[Table, float]] = []
    for table in tables:
        if table.hours < MIN_HOURS or table.live < MIN_ROWS or _is_off(table):
            continue
        if max(table.most_dead, table.dead) < DEAD_SHARE * table.live:
            continue
        per_hour = (table.updated + table.deleted) / table.hours
        factor = min(MOST, max(LEAST, 0.02, HOURS_APART * per_hour / table.live))
        if factor <= table.option(SCALE, server) / 2:
            wanted.append((table, round(factor, 3)))
    return wanted


def _is_off(table: Table) -> bool:
    """Somebody switched autovacuum off for it: he is asked by the health check, not overruled here."""
    return table.options.get("autovacuum_enabled") in ("false", "off", "0", "no")


def append_only(server: Server, tables: Sequence[Table]) -> list[Table]:
    """Large tables that are only written to at the end, and not yet frozen as they are vacuumed."""
    parameter = server.parameter("vacuum_freeze_min_age")
    return [
        table
        for table in tables
        if table.hours >= MIN_HOURS
        and table.live >= APPEND_ROWS
        and table.inserted > 1000
        and table.updated + table.deleted < 0.001 * table.inserted
        and "autovacuum_freeze_min_age" not in table.options
        and not _is_off(table)
        and parameter is not None
        and parameter.number > 0
    ]


def advise(server: Server, tables: Sequence[Table]) -> Iterator[Advice]:
    for table, factor in precondition(server, tables):
        now = table.option(SCALE, server)
        sql, back = set_options(table, {SCALE: f"{factor}", THRESHOLD: "1000"})
        yield Advice(
            kind=KIND,
            rule="table_autovacuum",
            target=table.target,
            sql=sql,
            rollback_sql=back,
            locks=SETS_OPTIONS.format(table.name),
            level="moderate",
            parameter=SCALE,
            value=f"{factor}",
            details={"parameter": SCALE, "options": {SCALE: f"{factor}", THRESHOLD: "1000"}},
            affected=table.affected,
            evidence={
                "live": table.live,
                "most_dead": max(table.most_dead, table.dead),
                "per_hour": round((table.updated + table.deleted) / table.hours),
                "now": now,
            },
            reason=f"{max(table.most_dead, table.dead)} dead rows beside {table.live} live ones were seen in {table.name}, "
            f"because autovacuum waits for {now:.0%} of the rows. At {(table.updated + table.deleted) / table.hours:.0f} "
            f"changes an hour, {factor:.1%} gives it some {factor * table.live + 1000:.0f} rows of work at a time.",
        )
    for table in append_only(server, tables):
        sql, back = set_options(table, {"autovacuum_freeze_min_age": "0"})
        yield Advice(
            kind=KIND,
            rule="table_autovacuum",
            target=table.target,
            sql=sql,
            rollback_sql=back,
            locks=SETS_OPTIONS.format(table.name),
            level="aggressive",
            parameter="autovacuum_freeze_min_age",
            value="0",
            details={"parameter": "autovacuum_freeze_min_age", "options": {"autovacuum_freeze_min_age": "0"}},
            affected=table.affected,
            evidence={"live": table.live, "inserted": table.inserted, "updated": table.updated},
            reason=f"{table.name} got {table.inserted} new rows in {table.hours:.1f} hours and {table.updated + table.deleted} "
            f"changes: rows that nobody changes are better frozen in the vacuum that visits their page anyway than later "
            f"all at once.",
        )
