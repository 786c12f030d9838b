"""Caches: a materialised view, its refresh by pg_cron, or reading what will be needed into memory.

`details` with `job` is a job of pg_cron (`schedule`, `command`); an action on a materialised view without one makes the
view and, when `index` names it, its unique index; everything else reads blocks and leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence

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

    def _look_at_view(self, database: Database, action: Row, details: dict[str, str]) -> Look:
        schema, name = str(action["schema_name"]), str(action["object_name"])
        rows = database.query(_VIEW, ["name", "name"], [schema, name])
        if not rows:
            return Look(ABSENT)
        begun = action["state"] in ("applying", "applied")
        if rows[0]["comment"] != mark(action) and not (begun and rows[0]["comment"] is None):
            return Look(FOREIGN, reason=f"a relation {name} is there, and it is not the one we made")
        index = find_index(database, schema, details["index"]) if "index" in details else None
        if begun and (not rows[0]["filled"] or ("index" in details and (index is None or not index.valid))):
            return Look(HALF)
        return Look(DONE, bytes=int(rows[0]["bytes"]))
