"""A deed that leaves nothing to undo: VACUUM, ANALYZE, reading blocks into the cache. It may be done again any time."""

from __future__ import annotations

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import ABSENT, BUSY, DONE, GONE, Deed, Look

_TABLE = """
select s.oid is not null as there, coalesce(v.{column} >= $3, false) as done,
       exists (select from pg_catalog.{progress} p where p.relid = s.oid) as busy
from (select (select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
              where n.nspname = $1 and c.relname = $2) as oid) s
left join pg_catalog.pg_stat_all_tables v on v.relid = s.oid
"""
#: Per word: the statistic that says when it was done, and the view that says that it is being done.
_SEEN = {
    "vacuum": ("last_vacuum", "pg_stat_progress_vacuum"),
    "analyze": ("last_analyze", "pg_stat_progress_analyze"),
}


class Upkeep(Deed):
    """Kept when done. Subclasses say which work an action is."""

    def work(self, action: Row) -> str | None:
        """vacuum, analyze, or None for what leaves no trace."""
        return None

    def look(self, database: Database, action: Row) -> Look:
        state, work = str(action["state"]), self.work(action)
        if state in ("applied", "verifying", "kept"):
            return Look(DONE)
        if work is None:
            return Look(ABSENT)  # found by a recovery: nobody knows how far it came, so it is done again
        column, progress = _SEEN[work]
        row = database.query(
            _TABLE.format(column=column, progress=progress),
            ["name", "name", "timestamptz"],
            [action["schema_name"], action["table_name"], action["started_at"]],
        )[0]
        if not row["there"]:
            return Look(GONE, reason=f"the table {action['table_name']} is gone")
        if row["busy"]:
            return Look(BUSY, reason=f"somebody does a {work} of this table now")
        return Look(DONE if row["done"] and state == "applying" else ABSENT)


class Vacuum(Upkeep):
    type = "vacuum"
    locks = "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL waits"

    def work(self, action: Row) -> str | None:
        return "vacuum"
