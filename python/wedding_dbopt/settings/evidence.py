"""Reads the advisers' figures from the SQL functions in sql/recommend; `since` and `until` are timestamps as text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import sqlglot
from sqlglot import exp

from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import DboptError
from wedding_dbopt.query import Query
from wedding_dbopt.settings.advice import Affected
from wedding_dbopt.settings.connections import Connections, RoleLoad
from wedding_dbopt.settings.figures import Finding, Server
from wedding_dbopt.settings.log_settings import Events
from wedding_dbopt.settings.parameters import Parameter
from wedding_dbopt.settings.prewarm import COLD_MINUTES, Cache, Hot
from wedding_dbopt.settings.refresh import View
from wedding_dbopt.settings.tables import Table
from wedding_dbopt.settings.timeouts import RoleUse
from wedding_dbopt.settings.work_mem import Spill
from wedding_dbopt.touched import touched

_WINDOW_TYPES = ["timestamptz", "timestamptz"]
_FUNCTION = """
select p.oid::regprocedure::text as signature, n.nspname as schema, l.lanname as language,
       (select substr(entry, length('work_mem=') + 1) from unnest(p.proconfig) as entry where entry like 'work\\_mem=%') as value
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where p.proname = $1 and n.nspname = any ($2) and n.nspname not in ('pg_catalog', 'wedding_dbopt', '_wedding_dbopt')
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
"""
_CACHE = """
select extract(epoch from $1::timestamptz - pg_catalog.pg_postmaster_start_time()) / 60 as minutes_up,
       to_char(pg_catalog.pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as began_at,
       (select n.nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'pg_prewarm') as extension,
       exists (select from pg_catalog.pg_available_extensions a where a.name = 'pg_prewarm') as available,
       (select string_agg(s.name, ', ') from _wedding_dbopt.seasons_on($1::timestamptz + interval '1 day') s
        where s.name not in (select n.name from _wedding_dbopt.seasons_on($1::timestamptz) n)) as season
"""
_CRON = """
select exists (select from pg_catalog.pg_extension e where e.extname = 'pg_cron') and to_regclass('cron.job') is not null
   and current_setting('cron.database_name', true) = current_database() as here
"""


def findings(database: Database, at: str) -> tuple[Finding, ...]:
    """The health check's findings that the advisers stand on."""
    rows = database.query("select * from _wedding_dbopt.evidence_findings($1)", ["timestamptz"], [at])
    return tuple(
        Finding(
            row["kind"],
            row["object"],
            row["reason"],
            _object(row["evidence"]),
            None if row["relid"] is None else int(row["relid"]),
            tuple(row["statements"] or ()),
            row["cause"],
        )
        for row in rows
    )


def server(database: Database, since: str, until: str) -> Server:
    """The machine, the load and the parameters."""
    name = str(database.query("select current_database() as name")[0]["name"])
    use = database.query("select * from _wedding_dbopt.server_use($1, $2)", _WINDOW_TYPES, [since, until])[0]
    parameters = {
        row["name"]: Parameter(
            row["name"],
            row["value"],
            row["unit"],
            row["context"],
            row["source"],
            row["auto_value"],
            row["database_value"],
            _object(row["role_values"]),
            bool(row["pending_restart"]),
        )
        for row in database.query("select * from _wedding_dbopt.parameter_values()")
    }
    return Server(
        database=name,
        parameters=parameters,
        hours=float(use["hours"] or 0),
        memory=_whole(use["memory"]),
        memory_available=_whole(use["memory_available"]),
        backend_memory=_whole(use["backend_memory"]),
        connections_peak=_whole(use["connections_peak"]),
        active_peak=_whole(use["active_peak"]),
        connections_usable=int(use["connections_usable"] or 97),
        by_role={role: int(most) for role, most in _object(use["by_role"]).items()},
        season_factor=float(use["season_factor"] or 1),
        disk_free=_whole(use["disk_free"]),
        disk_total=_whole(use["disk_total"]),
        requested_checkpoints=int(use["requested_checkpoints"] or 0),
        timed_checkpoints=int(use["timed_checkpoints"] or 0),
        wal_bytes=float(use["wal_bytes"] or 0),
        blocks_hit=int(use["blocks_hit"] or 0),
        blocks_read=int(use["read_blocks"] or 0),
        read_ms=float(use["read_ms"] or 0),
        autovacuum_workers_peak=_whole(use["autovacuum_workers_peak"]),
        findings=findings(database, until),
    )


def events(database: Database, since: str, until: str) -> Events:
    use = database.query("select * from _wedding_dbopt.server_use($1, $2)", _WINDOW_TYPES, [since, until])[0]
    return Events(
        int(use["deadlocks"] or 0), float(use["longest_wait_s"] or 0), float(use["temp_bytes"] or 0)
    )


# ---------------------------------------------------------------------- work_mem


def spills(database: Database, since: str, until: str) -> list[Spill]:
    """The spilling statements; those that only call one function of PL/pgSQL may be given memory there."""
    rows = database.query(
        "select * from _wedding_dbopt.spilling_statements($1, $2)", _WINDOW_TYPES, [since, until]
    )
    return [_spill(database, row) for row in rows]


_SERVED = """
select distinct b ->> 'statement_id' as id
from _wedding_dbopt.recommendation r cross join pg_catalog.jsonb_array_elements(r.benefits) b
where r.kind = 'index_creation' and (r.status = 'open' or exists (
  select from _wedding_dbopt.action a
  where a.recommendation_id = r.id and a.state in ('proposed', 'approved', 'applying', 'verifying')))
"""


def served_by_an_index(database: Database) -> set[int]:
    """The statements for which an index is recommended or on trial: how they will be planned is not known yet."""
    return {int(row["id"]) for row in database.query(_SERVED) if str(row["id"]).isdecimal()}


def _spill(database: Database, row: Row) -> Spill:
    function = called_function(database, row["query"] or "", str(row["search_path"] or ""))
    return Spill(
        statement=Affected(
            int(row["statement_id"]), row["context"], row["criticality"], float(row["exec_ms"])
        ),
        role=row["role"],
        superuser=bool(row["superuser"]),
        calls=int(row["calls"]),
        exec_ms=float(row["exec_ms"]),
        temp_blocks=int(row["temp_blocks"]),
        own_value=row["own_value"],
        function=function["signature"] if function else None,
        function_schema=function["schema"] if function else "",
        function_value=function["value"] if function else None,
    )


def called_function(database: Database, text: str, search_path: str) -> Row | None:
    """The one function that a statement calls while it touches no table itself; None unless it is PL/pgSQL.

    A setting of its own would keep a function of SQL from being inlined.
    """
    from wedding_dbopt.role_functions import schemas

    try:
        what = touched(Query.parse(text))
    except DboptError:
        return None
    if what.tables or not what.functions:
        return None
    found: list[Row] = []
    for schema, name in what.functions:
        places = [schema] if schema else schemas(search_path, "")
        found += database.query(_FUNCTION, ["name", "name[]"], [name, places])
    return found[0] if len(found) == 1 and found[0]["language"] == "plpgsql" else None


# ---------------------------------------------------------------------- roles and tables


def roles(database: Database, since: str, until: str) -> list[RoleUse]:
    rows = database.query("select * from _wedding_dbopt.role_use($1, $2)", _WINDOW_TYPES, [since, until])
    return [
        RoleUse(
            row["role"],
            bool(row["superuser"]),
            None if row["idle_in_transaction_s"] is None else float(row["idle_in_transaction_s"]),
            None if row["slowest_ms"] is None else float(row["slowest_ms"]),
            _object(row["own"]),
        )
        for row in rows
    ]


def tables(database: Database, since: str, until: str) -> dict[int, Table]:
    """The user's tables by oid, with what is known of their updates."""
    writers = database.query(
        "select * from _wedding_dbopt.table_writers($1, $2)", _WINDOW_TYPES, [since, until]
    )
    rows = database.query("select * from _wedding_dbopt.table_use($1, $2)", _WINDOW_TYPES, [since, until])
    return {int(row["relid"]): _table(row, writers) for row in rows}


def _table(row: Row, writers: Sequence[Row]) -> Table:
    columns = frozenset(row["indexed_columns"] or ())
    return Table(
        relid=int(row["relid"]),
        name=row["name"],
        schema=row["schema_name"],
        table=row["table_name"],
        pages=int(row["pages"]),
        tuples=float(row["tuples"]),
        live=int(row["live"]),
        dead=int(row["dead"]),
        options=dict(option.split("=", 1) for option in row["options"] or ()),
        inserted=int(row["inserted"]),
        updated=int(row["updated"]),
        deleted=int(row["deleted"]),
        hot_updated=int(row["hot_updated"]),
        most_dead=int(row["most_dead"]),
        indexes=int(row["indexes"]),
        updates_beside_indexes=beside_indexes(row["name"], columns, writers),
        xid_share=float(row["xid_share"] or 0),
        hours=float(row["hours"]),
    )


def beside_indexes(table: str, indexed: frozenset[str], writers: Sequence[Row]) -> float | None:
    """The share of updated rows whose statement sets no indexed column; None when no statement is known."""
    beside = rows = 0
    for writer in writers:
        if not writer["tables"] or writer["tables"][0] != table:
            continue
        columns = set_columns(writer["query"])
        if columns is None:
            continue
        rows += int(writer["rows"] or 0)
        if not columns & indexed:
            beside += int(writer["rows"] or 0)
    return beside / rows if rows else None


def set_columns(text: str) -> frozenset[str] | None:
    """The columns that an UPDATE sets; None for what cannot be read or is no UPDATE."""
    try:
        tree = sqlglot.parse_one(text, read="postgres")
    except sqlglot.errors.SqlglotError:
        return None
    update = tree if isinstance(tree, exp.Update) else tree.find(exp.Update)
    if update is None:
        return None
    names: set[str] = set()
    for assignment in update.expressions:
        left = assignment.this if isinstance(assignment, exp.EQ) else assignment
        for column in [left] if isinstance(left, exp.Column) else left.find_all(exp.Column):
            names.add(column.name if column.this.quoted else column.name.lower())
    return frozenset(names) or None


# ---------------------------------------------------------------------- caches and connections


def cache(database: Database, since: str, until: str) -> Cache:
    """What was hot in the window, and whether now is the time to read it; after a restart the window ends with it.

    For a season that begins, what it asked for when it was on last: the quiet weeks before it ask for other things.
    """
    facts = database.query(_CACHE, ["timestamptz"], [until])[0]
    remembered: list[Row] = []
    if facts["season"] is not None and float(facts["minutes_up"]) > COLD_MINUTES:
        remembered = database.query(
            "select * from _wedding_dbopt.season_relations($1)", ["timestamptz"], [until]
        )
    rows = remembered or database.query(
        "select * from _wedding_dbopt.hot_relations($1, $2)", _WINDOW_TYPES, [since, until]
    )
    relations = tuple(
        Hot(
            row["name"],
            row["schema_name"],
            row["relation"],
            row["kind"],
            int(row["bytes"]),
            float(row["blocks_per_hour"]),
        )
        for row in rows
    )
    extension = facts["extension"]
    return Cache(
        relations,
        float(facts["minutes_up"]),
        None if extension is None else _identifier(str(extension)),
        bool(facts["available"]),
        facts["season"],
        str(facts["began_at"]),
        bool(remembered),
    )


def views(database: Database, since: str, until: str) -> list[View]:
    rows = database.query("select * from _wedding_dbopt.view_use($1, $2)", _WINDOW_TYPES, [since, until])
    return [
        View(
            row["name"],
            row["schema_name"],
            row["view"],
            int(row["scans"]),
            int(row["changed"]),
            int(row["refreshes"]),
            bool(row["unique_index"]),
            bool(row["populated"]),
            float(row["hours"]),
        )
        for row in rows
    ]


def cron_jobs(database: Database) -> tuple[bool, list[str]]:
    """Whether pg_cron runs jobs in this database, and their commands and names."""
    if not database.query(_CRON)[0]["here"]:
        return False, []
    rows = database.query("select jobname, command from cron.job")
    return True, [str(row["jobname"]) for row in rows] + [str(row["command"]) for row in rows]


def connections(database: Database, at: str) -> Connections | None:
    """The use of connections; None when none was sampled in the last day."""
    row = database.query("select _wedding_dbopt.connection_use($1)::text as found", ["timestamptz"], [at])[0]
    found = json.loads(row["found"] or "{}")
    if not found.get("usable") or found.get("peak") is None or found.get("busy") is None:
        return None
    return Connections(
        database=found["database"],
        usable=int(found["usable"]),
        peak=int(found["peak"]),
        busy=float(found["busy"]),
        roles=tuple(
            RoleLoad(
                role["role"],
                bool(role["superuser"]),
                int(role["peak"]),
                int(role["active_peak"]),
                int(role["limit"]),
            )
            for role in found["roles"]
        ),
        coming_factor=float(found["coming_factor"] or 1),
        coming=str(found["coming"]),
        other_databases=int(found["other_databases"]),
        database_limit=int(found["database_limit"]),
        season=found["season"],
        pool_shares={name: float(share) for name, share in found["shares"].items()},
    )


def _object(value: Any) -> dict[str, Any]:
    """A jsonb value, which the server hands over as text."""
    if value is None:
        return {}
    return dict(json.loads(value) if isinstance(value, str) else value)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _identifier(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
