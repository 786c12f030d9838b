"""Renewing an index that begins at a date: a new one with a later date, or an earlier one, takes the place of ours.

The new index is built concurrently first. Then the old one is hidden from the planner, so that the judgement sees what its
loss would mean while every write still maintains it, and it is dropped when nobody missed it. `details` name it as `old`.
The undo brings it back as `index_drop` does, then drops the new one.
"""

from __future__ import annotations

from collections.abc import Sequence

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import (
    ABSENT,
    BUSY,
    DONE,
    FINAL,
    FOREIGN,
    GONE,
    HALF,
    MARK,
    Deed,
    Look,
    Script,
    details_of,
    identifier,
    is_ours,
    literal,
    mark,
)
from wedding_dbopt.tuning.deeds.index_catalogue import IndexState, dropping, find_index
from wedding_dbopt.tuning.deeds.index_drop import hiding, restoring, shown


class IndexRenewal(Deed):
    type = "index_renewal"
    locks = (
        "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait; the drop of the old "
        "index waits until no transaction uses it"
    )

    def look(self, database: Database, action: Row) -> Look:
        new, old = self._indexes(database, action)
        if action["state"] == "approved":
            return _before(new, old)
        if (new is not None and new.building) or (old is not None and old.building):
            return Look(BUSY, reason="somebody is building an index of this name")
        if new is None:
            return _without_new(action, old)
        if not new.valid:
            return Look(HALF, bytes=new.bytes)
        if not is_ours(action, new.comment):
            return Look(FOREIGN, reason="an index of this name is there, but it is not the one we made")
        return _with_new(action, new, old)

    def prepare(self, database: Database, action: Row) -> Script:
        schema, name = str(action["schema_name"]), str(action["object_name"])
        _, old = self._indexes(database, action)
        if old is None:
            return Script((), (), ())
        held = str(details_of(action)["old"])
        table = identifier(schema, str(action["table_name"]))
        create = str(details_of(action).get("create", action["sql"][0]))
        undo = (
            *restoring(old, schema, held, table),
            dropping(schema, name),
        )
        details = {"oid": old.oid, "definition": old.definition, "create": create}
        return Script((create, *hiding(table, old.oid)), (dropping(schema, held),), undo, details)

    def clean(self, database: Database, action: Row) -> Sequence[str]:
        schema = str(action["schema_name"])
        new, old = self._indexes(database, action)
        details = details_of(action)
        steps = []
        if old is not None and not old.valid:
            held = str(details["old"])
            whole = old.oid == details.get("oid") and old.ready and old.live
            table = identifier(schema, str(action["table_name"]))
            steps += shown(table, old.oid, identifier(schema, held)) if whole else [dropping(schema, held)]
        if new is not None and (action["state"] in ("approved", "applying") or not new.valid):
            steps.append(dropping(schema, str(action["object_name"])))
        return steps

    def finish(self, action: Row) -> Sequence[str]:
        name = identifier(str(action["schema_name"]), str(action["object_name"]))
        return (f"COMMENT ON INDEX {name} IS {literal(mark(action))}",)

    def _indexes(self, database: Database, action: Row) -> tuple[IndexState | None, IndexState | None]:
        schema = str(action["schema_name"])
        old = find_index(database, schema, str(details_of(action)["old"]))
        return find_index(database, schema, str(action["object_name"])), old


def _before(new: IndexState | None, old: IndexState | None) -> Look:
    if old is None:
        return Look(GONE, reason="the index that should be renewed is gone")
    if not (old.comment or "").startswith(MARK) or not old.valid or old.partition or old.kind != "i":
        return Look(FOREIGN, reason="the index that should be renewed is not, or no longer, one that we made")
    if new is None:
        return Look(ABSENT, old.image)
    if new.building:
        return Look(BUSY, reason="somebody else is building an index of this name")
    if not new.valid:
        return Look(HALF, bytes=new.bytes)
    return Look(FOREIGN, reason="an index of this name exists already")


def _without_new(action: Row, old: IndexState | None) -> Look:
    if old is None:
        return Look(GONE, reason="both indexes are gone: somebody dropped them, or their table")
    if not old.valid:
        return Look(HALF, reason="the new index is gone: somebody dropped it")
    if old.image == action["image_before"]:
        return Look(ABSENT, old.image)
    if action["rollback_requested"]:  # built again, but not yet all of it is as before
        return Look(DONE, old.image)
    return Look(GONE, reason="the new index is gone: somebody dropped it")


def _with_new(action: Row, new: IndexState, old: IndexState | None) -> Look:
    details = details_of(action)
    if old is None:
        final = action["final_sql"] and action["state"] == "verifying"
        return Look(FINAL if final else DONE, new.image, new.bytes)
    if old.oid != details.get("oid"):
        if not old.valid:
            return Look(HALF, bytes=new.bytes)
        if action["rollback_requested"]:
            return Look(DONE, new.image, new.bytes)
        return Look(FOREIGN, reason="somebody made the old index again")
    if old.valid:
        return Look(HALF, bytes=new.bytes, reason="the old index serves again: somebody brought it back")
    return Look(DONE if old.ready and old.live else FINAL, new.image, new.bytes)
