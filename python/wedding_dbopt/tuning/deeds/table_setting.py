"""Storage parameters of a table, a materialised view or an index: autovacuum and fillfactor.

The undo is written from the options that are there when the deed begins: each is set back or taken out. Other options of the
same table are somebody else's, or another action's.
"""

from __future__ import annotations

import json

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import (
    ABSENT,
    DONE,
    FOREIGN,
    GONE,
    Deed,
    Look,
    Script,
    details_of,
    identifier,
    literal,
)

_OPTIONS = """
select coalesce((select pg_catalog.array_agg(o order by o) from (
         select pg_catalog.unnest(c.reloptions) union all
         select 'toast.' || pg_catalog.unnest(t.reloptions) from pg_catalog.pg_class t where t.oid = c.reltoastrelid) held (o)),
       '{}') as options
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
"""
_COMMANDS = {"table": "TABLE", "materialized view": "MATERIALIZED VIEW", "index": "INDEX"}


class TableSetting(Deed):
    type = "table_setting"
    locks = "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait"

    def look(self, database: Database, action: Row) -> Look:
        held = self._held(database, action)
        if held is None:
            return Look(GONE, reason=f"the {action['object_kind']} {_names(action)[1]} is gone")
        wanted: dict[str, str] = details_of(action)["options"]
        now = _options(held)
        image = json.dumps({name: now.get(name) for name in sorted(wanted)})
        if action["state"] == "approved" or image == action["image_before"]:
            return Look(ABSENT, image)
        if all(now.get(name) == str(value) for name, value in wanted.items()):
            return Look(DONE, image)
        words = ", ".join(f"{name} = {now.get(name, 'default')}" for name in wanted)
        return Look(FOREIGN, image, reason=f"somebody set {words}")

    def prepare(self, database: Database, action: Row) -> Script:
        wanted: dict[str, str] = details_of(action)["options"]
        held = _options(self._held(database, action) or [])
        subject = f"ALTER {_COMMANDS[action['object_kind']]} {identifier(*_names(action))}"
        back = {name: held[name] for name in wanted if name in held}
        out = [name for name in wanted if name not in held]
        undo = [f"SET ({_assigned(back)})"] if back else []
        undo += [f"RESET ({', '.join(out)})"] if out else []
        # One statement, so that no death leaves half of it.
        return Script((f"{subject} SET ({_assigned(wanted)})",), (), (f"{subject} {', '.join(undo)}",))

    def _held(self, database: Database, action: Row) -> list[str] | None:
        rows = database.query(_OPTIONS, ["name", "name"], list(_names(action)))
        return list(rows[0]["options"]) if rows else None


def _names(action: Row) -> tuple[str, str]:
    return str(action["schema_name"]), str(action["object_name"] or action["table_name"])


def _options(held: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (option.partition("=") for option in held)}


def _assigned(options: dict[str, str]) -> str:
    return ", ".join(f"{name} = {literal(value)}" for name, value in options.items())
