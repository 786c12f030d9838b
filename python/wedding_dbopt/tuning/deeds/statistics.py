"""ANALYZE of a table, the statistics target of a column, extended statistics.

`details` with `column` and `target` is a column's target, with `column` and `n_distinct` the number of its values; an action
on an object of the kind `statistics` makes that object; all others are an ANALYZE.
"""

from __future__ import annotations

from collections.abc import Sequence

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.change import compared
from wedding_dbopt.tuning.deeds.deed import (
    ABSENT,
    DONE,
    FOREIGN,
    GONE,
    Look,
    Script,
    details_of,
    identifier,
    is_ours,
    literal,
    mark,
    stored,
)
from wedding_dbopt.tuning.deeds.index_catalogue import table_exists
from wedding_dbopt.tuning.deeds.upkeep import Upkeep

_TARGET = """
select coalesce(a.attstattarget, -1) as target  -- the default is null from PostgreSQL 17 on, -1 before
from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and a.attname = $3 and a.attnum > 0 and not a.attisdropped
"""
_NUMBER = """
select coalesce((select pg_catalog.split_part(o, '=', 2) from pg_catalog.unnest(a.attoptions) o where o like 'n_distinct=%'),
                'none') as number
from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and a.attname = $3 and a.attnum > 0 and not a.attisdropped
"""
_EXTENDED = """
select pg_catalog.pg_get_statisticsobjdef(s.oid) as definition, pg_catalog.obj_description(s.oid, 'pg_statistic_ext') as comment
from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace
where n.nspname = $1 and s.stxname = $2
"""


class Statistics(Upkeep):
    type = "statistics"
    locks = "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait"

    def work(self, action: Row) -> str | None:
        return "analyze"

    def look(self, database: Database, action: Row) -> Look:
        if action["object_kind"] == "statistics":
            return self._look_at_object(database, action)
        if "n_distinct" in details_of(action):
            return compared(action, self._number(database, action))
        if "column" in details_of(action):
            target = self._target(database, action)
            return compared(action, None if target is None else str(target))
        return super().look(database, action)

    def prepare(self, database: Database, action: Row) -> Script:
        details = details_of(action)
        if action["object_kind"] == "statistics":
            name = identifier(str(action["schema_name"]), str(action["object_name"]))
            return Script(tuple(action["sql"]), (), (f"DROP STATISTICS IF EXISTS {name}",))
        if "column" not in details:
            return stored(action)
        table = identifier(str(action["schema_name"]), str(action["table_name"]))
        if "n_distinct" in details:
            column = f"ALTER TABLE {table} ALTER COLUMN {identifier(details['column'])}"
            held = self._number(database, action)
            before = "RESET (n_distinct)" if held in ("none", None) else f"SET (n_distinct = {held})"
            # Plans turn back with the statistics, not before.
            number = f"{float(details['n_distinct']):g}"
            return Script(
                (f"{column} SET (n_distinct = {number})",), (), (f"{column} {before}", f"ANALYZE {table}")
            )
        column = f"ALTER TABLE {table} ALTER COLUMN {identifier(details['column'])} SET STATISTICS"
        undo = f"{column} {self._target(database, action)}"
        return Script((f"{column} {int(details['target'])}",), (), (undo,))

    def finish(self, action: Row) -> Sequence[str]:
        table = identifier(str(action["schema_name"]), str(action["table_name"]))
        if action["object_kind"] != "statistics":
            return (f"ANALYZE {table}",) if "column" in details_of(action) else ()
        name = identifier(str(action["schema_name"]), str(action["object_name"]))
        return (f"COMMENT ON STATISTICS {name} IS {literal(mark(action))}", f"ANALYZE {table}")

    def _target(self, database: Database, action: Row) -> int | None:
        values = [action["schema_name"], action["table_name"], details_of(action)["column"]]
        rows = database.query(_TARGET, ["name"] * 3, values)
        return int(rows[0]["target"]) if rows else None

    def _number(self, database: Database, action: Row) -> str | None:
        """The n_distinct that somebody set; None when the column is gone."""
        values = [action["schema_name"], action["table_name"], details_of(action)["column"]]
        rows = database.query(_NUMBER, ["name"] * 3, values)
        return str(rows[0]["number"]) if rows else None

    def _look_at_object(self, database: Database, action: Row) -> Look:
        rows = database.query(_EXTENDED, ["name"] * 2, [action["schema_name"], action["object_name"]])
        if not rows:
            if not table_exists(database, str(action["schema_name"]), str(action["table_name"])):
                return Look(GONE, reason=f"the table {action['table_name']} is gone")
            return Look(ABSENT)
        comment = rows[0]["comment"]
        if is_ours(action, comment):
            return Look(DONE, str(rows[0]["definition"]))
        return Look(
            FOREIGN, reason="a statistics object of this name is there, and it is not the one we made"
        )
