"""Caches: a materialised view, its refresh by pg_cron, or reading what will be needed into memory.

`details` with `job` is a job of pg_cron (`schedule`, `command`); an action on a materialised view without one makes the
view and, when `index` names it, its unique index; everything else reads blocks and leaves nothing behind.

A view made of an aggregate of the application (`query` in the details) is made empty, given to the owner of its tables and
to those who may read all of them, and only then filled: a refresh runs as the view's owner, so no code of others runs as
ours, and no row is in it before its rights are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import (
    ABSENT,
    DONE,
    FOREIGN,
    HALF,
    Look,
    Script,
    details_of,
    identifier,
    literal,
    mark,
    stored,
)
from wedding_dbopt.tuning.deeds.index_catalogue import find_index
from wedding_dbopt.tuning.deeds.upkeep import Upkeep

_JOB = "select j.schedule, j.command from cron.job j where j.jobname = $1"
_VIEW = """
select c.relispopulated as filled, pg_catalog.obj_description(c.oid, 'pg_class') as comment, c.relkind as kind,
       pg_catalog.pg_relation_size(c.oid) as bytes
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
"""
#: Roles to which new tables are granted by default.
_GRANTED_BY_DEFAULT = """
select distinct pg_catalog.quote_ident(r.rolname) as role
from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) a join pg_catalog.pg_roles r on r.oid = a.grantee
where d.defaclobjtype = 'r' order by 1
"""


def readers_of(database: Database, tables: Sequence[str]) -> dict[str, Any] | None:
    """The owner of some tables and the roles that may read all of them; None where a view would show too much."""
    rows = database.query("select * from _wedding_dbopt.readers_of($1)", ["text[]"], [list(tables)])
    return {"owner": rows[0]["owner"], "readers": list(rows[0]["readers"])} if rows else None


def view_script(
    view: str, details: Mapping[str, Any], granted: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The statements that make a view of an aggregate, and those that take it away."""
    access, job = details["access"], details["refresh"]
    key = ", ".join(identifier(name) for name in details["key"])
    sql = [
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view} AS {details['query']} WITH NO DATA",
        f"ALTER MATERIALIZED VIEW {view} OWNER TO {access['owner']}",
        f"REVOKE ALL ON {view} FROM {', '.join(['PUBLIC', *(role for role in granted if role != access['owner'])])}",
    ]
    if access["readers"]:
        sql.append(f"GRANT SELECT ON {view} TO {', '.join(access['readers'])}")
    sql += [
        f"REFRESH MATERIALIZED VIEW {view}",
        f"CREATE UNIQUE INDEX IF NOT EXISTS {identifier(details['index'])} ON {view} ({key})",
        f"SELECT cron.schedule({literal(job['job'])}, {literal(job['schedule'])}, {literal(job['command'])})",
    ]
    rollback = (
        f"SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = {literal(job['job'])}",
        f"DROP MATERIALIZED VIEW IF EXISTS {view}",
    )
    return tuple(sql), rollback


class CacheOptimization(Upkeep):
    type = "cache_optimization"
    locks = "ACCESS SHARE on what it reads: reads and writes go on"

    def look(self, database: Database, action: Row) -> Look:
        details = details_of(action)
        if "job" in details:
            return self._look_at_job(database, action, details)
        if action["object_kind"] == "materialized view":
            return self._look_at_view(database, action, details)
        return super().look(database, action)

    def prepare(self, database: Database, action: Row) -> Script:
        details = details_of(action)
        if "job" in details or action["object_kind"] != "materialized view":
            return stored(action)
        view = identifier(str(action["schema_name"]), str(action["object_name"]))
        if "query" in details:
            granted = [str(row["role"]) for row in database.query(_GRANTED_BY_DEFAULT)]
            sql, rollback = view_script(view, details, granted)
            return Script(sql, (), rollback)
        return Script(tuple(action["sql"]), (), (f"DROP MATERIALIZED VIEW IF EXISTS {view}",))

    def finish(self, action: Row) -> Sequence[str]:
        if action["object_kind"] != "materialized view" or "job" in details_of(action):
            return ()
        view = identifier(str(action["schema_name"]), str(action["object_name"]))
        return (f"COMMENT ON MATERIALIZED VIEW {view} IS {literal(mark(action))}",)

    def _look_at_job(self, database: Database, action: Row, details: dict[str, str]) -> Look:
        rows = database.query(_JOB, ["text"], [details["job"]])
        if not rows:
            return Look(ABSENT)
        same = rows[0]["schedule"] == details["schedule"] and rows[0]["command"] == details["command"]
        if same and action["state"] != "approved":
            return Look(DONE)
        return Look(FOREIGN, reason=f"a job {details['job']} is there, and it is not the one we made")

    def _is_refreshed(self, database: Database, details: dict[str, Any]) -> bool:
        """Whether the job that a view needs is there: without it the view would be stale for ever."""
        return "refresh" not in details or bool(database.query(_JOB, ["text"], [details["refresh"]["job"]]))

    def _look_at_view(self, database: Database, action: Row, details: dict[str, Any]) -> Look:
        schema, name = str(action["schema_name"]), str(action["object_name"])
        rows = database.query(_VIEW, ["name", "name"], [schema, name])
        begins = not rows and action["state"] == "approved" and "query" in details
        if begins and readers_of(database, details["tables"]) != details["access"]:
            return Look(FOREIGN, reason="who may read its tables changed after they were looked at")
        if not rows:
            return Look(ABSENT)
        begun = action["state"] in ("applying", "applied")
        if rows[0]["comment"] != mark(action) and not (begun and rows[0]["comment"] is None):
            return Look(FOREIGN, reason=f"a relation {name} is there, and it is not the one we made")
        index = find_index(database, schema, details["index"]) if "index" in details else None
        whole = bool(rows[0]["filled"]) and ("index" not in details or (index is not None and index.valid))
        if begun and not (whole and self._is_refreshed(database, details)):
            return Look(HALF)
        return Look(DONE, bytes=int(rows[0]["bytes"] or 0))
