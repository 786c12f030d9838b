"""Connection limits of a role or a database, and the live size of a pool of PgBouncer over its admin console.

A limit is in `details` as `limit`; a parameter of the pooler as `parameter` and `value`.
"""

from __future__ import annotations

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.change import Change
from wedding_dbopt.tuning.deeds.deed import Script, details_of, identifier

_LIMITS = {
    "role": "select r.rolconnlimit as value from pg_catalog.pg_roles r where r.rolname = $1",
    "database": "select d.datconnlimit as value from pg_catalog.pg_database d where d.datname = $1",
}


class ConnectionScaling(Change):
    type = "connection_scaling"
    locks = "none on tables; sessions that are open stay open"

    def image(self, database: Database, action: Row) -> str | None:
        if action["object_kind"] == "pooler":
            from wedding_dbopt import (
                pooler,  # the driver is loaded where a pooler is asked, not by every analysis
            )

            console = pooler.console(database)
            if console is None:
                return None
            with console:
                return console.value(str(details_of(action)["parameter"]))
        rows = database.query(_LIMITS[action["object_kind"]], ["text"], [action["object_name"]])
        return str(rows[0]["value"]) if rows else None

    def prepare(self, database: Database, action: Row) -> Script:
        now, details = self.image(database, action), details_of(action)
        if action["object_kind"] == "pooler":
            parameter = str(details["parameter"])
            return Script((f"SET {parameter} = {int(details['value'])}",), (), (f"SET {parameter} = {now}",))
        subject = (
            f"ALTER {action['object_kind'].upper()} {identifier(str(action['object_name']))} CONNECTION LIMIT"
        )
        return Script((f"{subject} {int(details['limit'])}",), (), (f"{subject} {now}",))

    def console(self, action: Row) -> str | None:
        return "pgbouncer_dsn" if action["object_kind"] == "pooler" else None
