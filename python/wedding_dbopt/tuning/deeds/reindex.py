"""Rebuilding an index, concurrently, because it is bloated or invalid. It leaves nothing to undo: the index is the same.

A REINDEX CONCURRENTLY that dies leaves a second index behind, `<name>_ccnew` before the two change places and
`<name>_ccold` after it. What was left by somebody before our deed is not ours to take away.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import ABSENT, BUSY, DONE, GONE, HALF, Deed, Look
from wedding_dbopt.tuning.deeds.index_catalogue import dropping, find_index

_LEFT = """
select c.oid::bigint as oid, c.relname as name
from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
where not i.indisvalid
  and i.indrelid = (select o.indrelid from pg_catalog.pg_index o join pg_catalog.pg_class k on k.oid = o.indexrelid
                    join pg_catalog.pg_namespace n on n.oid = k.relnamespace where n.nspname = $1 and k.relname = $2)
  and c.relname ~ ('_cc(new|old)[0-9]*$')
  and pg_catalog.left($2, pg_catalog.length(pg_catalog.regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '')))
      = pg_catalog.regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '')
order by 1
"""


class Reindex(Deed):
    type = "reindex"
    locks = "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait"

    def look(self, database: Database, action: Row) -> Look:
        schema, name = str(action["schema_name"]), str(action["object_name"])
        index = find_index(database, schema, name)
        if index is None:
            return Look(GONE, reason=f"the index {name} is gone")
        left = self._left(database, action)
        image = json.dumps({"oid": index.oid, "left": [oid for oid, _ in left]})
        if action["state"] == "approved":
            if index.building:
                return Look(BUSY, reason="somebody else is rebuilding this index")
            return Look(ABSENT, image, index.bytes)
        before = json.loads(str(action["image_before"]))
        if [oid for oid, _ in left if oid not in before["left"]]:
            return Look(HALF, image, index.bytes)
        rebuilt = index.valid and index.oid != before["oid"]
        return Look(DONE if rebuilt else ABSENT, image, index.bytes)

    def clean(self, database: Database, action: Row) -> Sequence[str]:
        before = json.loads(str(action["image_before"]))["left"]
        return [
            dropping(str(action["schema_name"]), name)
            for oid, name in self._left(database, action)
            if oid not in before
        ]

    def _left(self, database: Database, action: Row) -> list[tuple[int, str]]:
        rows = database.query(_LEFT, ["name", "name"], [action["schema_name"], action["object_name"]])
        return [(int(row["oid"]), str(row["name"])) for row in rows]
