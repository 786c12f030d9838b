"""Setting a parameter of a function, a role, the database or the whole server, reload only.

`details` holds `parameter` and `value`, and for a role `database` when it counts in this database only. The narrowest scope
that covers the statements is the adviser's choice. The undo restores the entry that was there when the deed began.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

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

RELOAD = "SELECT pg_catalog.pg_reload_conf()"
#: Per kind of object: whether it exists, and its settings as the catalogue has them.
_ENTRIES = {
    "function": """
        select p.proconfig as config from pg_catalog.pg_proc p where p.oid = pg_catalog.to_regprocedure($1)""",
    "role": """
        select s.setconfig as config from pg_catalog.pg_roles r
        left join pg_catalog.pg_db_role_setting s on s.setrole = r.oid and s.setdatabase = (
          case when $2 is null then 0 else (select d.oid from pg_catalog.pg_database d where d.datname = $2) end)
        where r.rolname = $1""",
    "database": """
        select s.setconfig as config from pg_catalog.pg_database d
        left join pg_catalog.pg_db_role_setting s on s.setdatabase = d.oid and s.setrole = 0
        where d.datname = $1""",
}
#: postgresql.auto.conf is read by the server itself, so it is the truth whether or not it was reloaded.
_SYSTEM = """
select f.setting as value from pg_catalog.pg_file_settings f
where f.name = $1 and f.sourcefile like '%/postgresql.auto.conf' order by f.seqno desc limit 1
"""


class ParameterAdjustment(Deed):
    type = "parameter_adjustment"
    locks = "none on tables: a row of the catalogue or a line of postgresql.auto.conf is written"

    def look(self, database: Database, action: Row) -> Look:
        details = details_of(action)
        entry = self._entry(database, action, details)
        if entry is None:
            return Look(GONE, reason=f"the {action['object_kind']} {action['object_name']} is gone")
        (now,) = entry
        image = json.dumps(now)
        if action["state"] == "approved":
            if now == details["value"]:
                return Look(FOREIGN, image, reason=f"{details['parameter']} is {now} there already")
            return Look(ABSENT, image)
        if image == action["image_before"]:
            return Look(ABSENT, image)
        if now == details["value"]:
            return Look(DONE, image)
        return Look(FOREIGN, image, reason=f"somebody set {details['parameter']} to {now or 'its default'}")

    def prepare(self, database: Database, action: Row) -> Script:
        details = details_of(action)
        (now,) = self._entry(database, action, details) or (None,)
        return script(action, details, now)

    def finish(self, action: Row) -> Sequence[str]:
        return (RELOAD,) if action["object_kind"] == "system" else ()

    def _entry(self, database: Database, action: Row, details: dict[str, Any]) -> tuple[str | None] | None:
        """The value that stands there now (None: none of its own), or None when the object is gone."""
        kind, parameter = str(action["object_kind"]), str(details["parameter"])
        if kind == "system":
            rows = database.query(_SYSTEM, ["text"], [parameter])
            return (rows[0]["value"] if rows else None,)
        types, values = ["text"], [action["object_name"]]
        if kind == "role":
            types, values = ["text", "text"], [action["object_name"], details.get("database")]
        rows = database.query(_ENTRIES[kind], types, values)
        if not rows:
            return None
        for held in rows[0]["config"] or ():
            name, _, value = held.partition("=")
            if name == parameter:
                return (value,)
        return (None,)


def script(action: Row, details: dict[str, Any], before: str | None) -> Script:
    """The statements that set the parameter, and those that bring back what stood there before."""
    kind, parameter = str(action["object_kind"]), identifier(*str(details["parameter"]).split("."))
    reload = (RELOAD,) if kind == "system" else ()
    if kind == "system":
        subject = "ALTER SYSTEM"
    else:
        name = str(action["object_name"])
        # A function's name is its signature, which to_regprocedure() read and quoted.
        subject = f"ALTER {kind.upper()} {name if kind == 'function' else identifier(name)}"
        if details.get("database"):
            subject += f" IN DATABASE {identifier(str(details['database']))}"
    undo = f"RESET {parameter}" if before is None else f"SET {parameter} = {literal(before)}"
    return Script(
        (f"{subject} SET {parameter} = {literal(str(details['value']))}", *reload),
        (),
        (f"{subject} {undo}", *reload),
    )
