"""Replacing the definition of a view, a function or a policy by one that means the same and costs less.

The undo is the definition that stands there when the deed begins, as the server itself writes it.
"""

from __future__ import annotations

import json

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.change import Change
from wedding_dbopt.tuning.deeds.deed import ABSENT, FOREIGN, Look, Script, identifier

_VIEW = """
select pg_catalog.pg_get_viewdef(c.oid) as definition, c.reloptions as options
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and c.relkind = 'v'
"""
_FUNCTION = """
select pg_catalog.pg_get_functiondef(p.oid) as definition
from pg_catalog.pg_proc p where p.oid = pg_catalog.to_regprocedure($1) and p.prokind in ('f', 'p')
"""
_POLICY = """
select pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as checked,
       p.polroles::text as roles, p.polcmd::text as command, p.polpermissive as permissive
from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and p.polname = $3
"""


class QueryRewrite(Change):
    type = "query_rewrite"
    locks = "ACCESS EXCLUSIVE on the view or on the policy's table for a moment; none for a function"

    def look(self, database: Database, action: Row) -> Look:
        """What was advised is a form of the definition of that moment: on any other it would undo what somebody did since."""
        look = super().look(database, action)
        if look.there != ABSENT or action["state"] != "approved" or not action["rollback_sql"]:
            return look
        if self.prepare(database, action).rollback_sql == tuple(action["rollback_sql"]):
            return look
        what = f"{action['object_kind']} {action['object_name']}"
        return Look(FOREIGN, look.image, reason=f"somebody changed the {what} after it was looked at")

    def image(self, database: Database, action: Row) -> str | None:
        held = self._held(database, action)
        return None if held is None else json.dumps(held)

    def prepare(self, database: Database, action: Row) -> Script:
        held = self._held(database, action)
        if held is None:
            return Script(tuple(action["sql"]), (), ())
        if action["object_kind"] == "function":
            return Script(tuple(action["sql"]), (), (str(held["definition"]),))
        if action["object_kind"] == "view":
            name = identifier(str(action["schema_name"]), str(action["object_name"]))
            options = f" WITH ({', '.join(held['options'])})" if held["options"] else ""
            return Script(
                tuple(action["sql"]), (), (f"CREATE OR REPLACE VIEW {name}{options} AS {held['definition']}",)
            )
        table = identifier(str(action["schema_name"]), str(action["table_name"]))
        using = f" USING ({held['using']})" if held["using"] else ""
        checked = f" WITH CHECK ({held['checked']})" if held["checked"] else ""
        undo = f"ALTER POLICY {identifier(str(action['object_name']))} ON {table}{using}{checked}"
        return Script(tuple(action["sql"]), (), (undo,))

    def _held(self, database: Database, action: Row) -> Row | None:
        kind, name = str(action["object_kind"]), str(action["object_name"])
        if kind == "function":
            rows = database.query(_FUNCTION, ["text"], [name])
        elif kind == "view":
            rows = database.query(_VIEW, ["name", "name"], [action["schema_name"], name])
        else:
            rows = database.query(_POLICY, ["name"] * 3, [action["schema_name"], action["table_name"], name])
        return rows[0] if rows else None
