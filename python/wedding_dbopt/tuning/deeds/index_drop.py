"""Dropping an index in two steps: hidden from the planner first, dropped when nobody missed it.

Hidden means `indisvalid = false`: the planner passes it over, while every write still maintains it. So it comes back whole
by one row of the catalogue, in a moment, and nobody waits. That is done under the lock that keeps other DDL away. ANALYZE
follows, because plans that are kept in sessions are made anew after it. An index that is invalid anyway is dropped
at once. What the undo builds is the definition that stood there, with its comment, options and statistics targets.

Only an index of the same OID is ever made valid again: what a dead build left behind has another one, or lacks rows.

Where another index does the work of the dropped one, such a one must be there to the end: before anything is done it is looked
for again, and a hidden index comes back when none does its work any more.
"""

from __future__ import annotations

import json
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
    Deed,
    Look,
    Script,
    details_of,
    identifier,
    literal,
)
from wedding_dbopt.tuning.deeds.index_catalogue import (
    IndexState,
    dropping,
    find_index,
    is_covered,
    table_exists,
)

_LEFT_ALONE = "no other index that is there to stay does its work"


class IndexDrop(Deed):
    type = "index_drop"
    locks = (
        "SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on, DDL and VACUUM of this table wait; the drop itself "
        "waits until no transaction uses the index"
    )

    def look(self, database: Database, action: Row) -> Look:
        index = find_index(database, str(action["schema_name"]), str(action["object_name"]))
        if action["state"] == "approved":
            return _before(database, action, index)
        details = details_of(action)
        if index is None:
            if not table_exists(database, str(action["schema_name"]), str(action["table_name"])):
                return Look(GONE, reason=f"the table {action['table_name']} is gone")
            return Look(FINAL if action["final_sql"] and action["state"] == "verifying" else DONE)
        if index.building:
            return Look(BUSY, reason="somebody is building an index of this name")
        if index.image == action["image_before"]:
            return Look(ABSENT, index.image, index.bytes)
        if index.oid == details["oid"] and index.ready and index.live and not index.valid:
            if action["state"] == "verifying" and _is_alone(database, action, index):
                return Look(HALF, index.image, index.bytes, _LEFT_ALONE)
            return Look(DONE if action["final_sql"] else HALF, index.image, index.bytes)
        if index.oid == details["oid"] and not index.valid:
            return Look(FINAL if action["final_sql"] else HALF, index.image, index.bytes)
        if not index.valid:
            return Look(HALF, index.image, index.bytes)
        same = json.loads(str(action["image_before"]))["definition"] == index.definition
        if same and action["rollback_requested"]:  # built again, but not yet all of it is as before
            return Look(DONE, index.image, index.bytes)
        return Look(FOREIGN, index.image, reason="somebody made another index of this name")

    def prepare(self, database: Database, action: Row) -> Script:
        schema, name = str(action["schema_name"]), str(action["object_name"])
        index = find_index(database, schema, name)
        if index is None:
            return Script((), (), ())
        table, drop = identifier(schema, str(action["table_name"])), dropping(schema, name)
        details = {"oid": index.oid, "definition": index.definition}
        if not index.valid:
            return Script((drop,), (), (), details)
        return Script(
            hiding(table, index.oid), (drop,), tuple(restoring(index, schema, name, table)), details
        )

    def clean(self, database: Database, action: Row) -> Sequence[str]:
        return [dropping(str(action["schema_name"]), str(action["object_name"]))]


def _before(database: Database, action: Row, index: IndexState | None) -> Look:
    if index is None:
        return Look(GONE, reason="the index is gone already")
    if index.building:
        return Look(BUSY, reason="somebody is building this index")
    if details_of(action).get("definition", index.definition) != index.definition:
        return Look(FOREIGN, reason="somebody made another index of this name after it was looked at")
    # A unique index whose build failed enforces nothing that was ever promised.
    if index.constrained or (index.unique and index.valid) or index.kind != "i" or index.partition:
        why = "it enforces a rule of the data, or is part of a partitioned index"
        return Look(FOREIGN, reason=f"the index {action['object_name']} is never dropped by us: {why}")
    if index.valid and _is_alone(database, action, index):
        return Look(GONE, reason=_LEFT_ALONE)
    return Look(ABSENT, index.image, index.bytes)


def _is_alone(database: Database, action: Row, index: IndexState) -> bool:
    """Whether the index goes because another does its work, and none does that is there to stay."""
    claimed = str(action.get("description", "")).startswith("redundant_index:")
    return claimed and not is_covered(database, index.oid)


def hiding(table: str, oid: int) -> tuple[str, ...]:
    """Statements that hide an index from the planner; `table` is a quoted name."""
    return (
        f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE; UPDATE pg_catalog.pg_index SET indisvalid = false "
        f"WHERE indexrelid = {oid} AND indisvalid",
        f"ANALYZE {table}",
    )


def shown(table: str, oid: int, quoted: str) -> list[str]:
    """Statements that bring a hidden index back, if it is still the same; `table` and `quoted` are quoted names."""
    return [
        f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE; UPDATE pg_catalog.pg_index SET indisvalid = true "
        f"WHERE indexrelid = {oid} AND indexrelid = pg_catalog.to_regclass({literal(quoted)}) "
        f"AND indisready AND indislive",
        f"ANALYZE {table}",
    ]


def restoring(index: IndexState, schema: str, name: str, table: str) -> list[str]:
    """Statements that bring the index back, hidden, dropped or half dropped; each may be run twice."""
    quoted = identifier(schema, name)
    parts = json.loads(index.image)
    head = "CREATE INDEX "
    create = index.definition.replace(head, head + "CONCURRENTLY IF NOT EXISTS ", 1)
    steps = shown(table, index.oid, quoted)
    if parts["tablespace"]:
        steps.append(f"SET default_tablespace = {literal(parts['tablespace'])}")
    steps.append(create)
    if parts["tablespace"]:
        steps.append("RESET default_tablespace")
    comment = literal(parts["comment"]) if parts["comment"] is not None else "NULL"
    steps.append(f"COMMENT ON INDEX {quoted} IS {comment}")
    for place in (parts["targets"] or "").split(","):
        number, _, target = place.partition("=")
        if target:
            steps.append(f"ALTER INDEX {quoted} ALTER COLUMN {number} SET STATISTICS {target}")
    return steps
