"""Making an index, concurrently; on a partitioned table part by part."""

from __future__ import annotations

from collections.abc import Sequence

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import (
    ABSENT,
    BUSY,
    DONE,
    FOREIGN,
    GONE,
    HALF,
    Deed,
    Look,
    Script,
    details_of,
    identifier,
    is_ours,
    literal,
    mark,
)
from wedding_dbopt.tuning.deeds.index_catalogue import dropping, find_index, table_exists
from wedding_dbopt.tuning.deeds.partitioned_index import partitioned_script


class IndexCreation(Deed):
    type = "index_creation"
    locks = "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait"

    def look(self, database: Database, action: Row) -> Look:
        schema, name = str(action["schema_name"]), str(action["object_name"])
        index = find_index(database, schema, name)
        left = [part for part in details_of(action).get("parts", []) if find_index(database, *part)]
        if index is None and left:
            return Look(HALF)
        if index is None:
            if not table_exists(database, schema, str(action["table_name"])):
                return Look(GONE, reason="the index is gone: somebody dropped its table")
            if action["state"] == "approved" and not self.prepare(database, action).sql:
                return Look(
                    FOREIGN, reason="a partition is no table of this server, so the index cannot be whole"
                )
            return Look(ABSENT)
        if index.building:
            return Look(BUSY, reason="somebody else is building an index of this name")
        if not index.valid:
            return Look(HALF, bytes=index.bytes)
        if is_ours(action, index.comment):
            return Look(DONE, index.image, index.bytes)
        if action["state"] in ("approved", "applying", "applied"):
            return Look(FOREIGN, reason="an index of this name exists already")
        return Look(FOREIGN, reason="an index of this name is there, but it is not the one we made")

    def prepare(self, database: Database, action: Row) -> Script:
        schema, name = str(action["schema_name"]), str(action["object_name"])
        create = str(details_of(action).get("create", action["sql"][0]))
        script = partitioned_script(database, schema, str(action["table_name"]), name, create)
        return script or Script(tuple(action["sql"]), (), (dropping(schema, name),))

    def finish(self, action: Row) -> Sequence[str]:
        name = identifier(str(action["schema_name"]), str(action["object_name"]))
        return (f"COMMENT ON INDEX {name} IS {literal(mark(action))}",)
