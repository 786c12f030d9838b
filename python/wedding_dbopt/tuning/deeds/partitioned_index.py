"""The statements that make an index of a partitioned table without locking writers out, and those that take it away.

CREATE INDEX CONCURRENTLY refuses a partitioned table. So the index is made on the parent alone, which is a moment's work and
leaves it invalid; then on each partition concurrently; and each of these is attached. With the last one the parent's
becomes valid. Every statement may be run twice.
"""

from __future__ import annotations

import hashlib
import re

from wedding_dbopt.database import Database, Row
from wedding_dbopt.tuning.deeds.deed import Script, identifier
from wedding_dbopt.tuning.deeds.index_catalogue import dropping, find_index

_TREE = """
select n.nspname as schema, c.relname as table, c.relkind as kind, t.level, pn.nspname as parent_schema, pc.relname as parent
from pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)) t
join pg_catalog.pg_class c on c.oid = t.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_class pc on pc.oid = t.parentrelid left join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
order by t.level, 1, 2
"""
_NAME = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_CREATE = re.compile(
    rf"CREATE (UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?{_NAME} ON (?:ONLY )?{_NAME}(?:\.{_NAME})?\s*(.*)",
    re.DOTALL | re.IGNORECASE,
)
_BYTES = 63


def partitioned_script(database: Database, schema: str, table: str, name: str, sql: str) -> Script | None:
    """The script for a partitioned table; None for any other. `sql` is the CREATE INDEX CONCURRENTLY of the whole."""
    tree = database.query(_TREE, ["text"], [identifier(schema, table)])
    if not any(row["kind"] == "p" for row in tree):
        return None
    read = _CREATE.fullmatch(sql)
    if read is None or any(row["kind"] not in ("p", "r") for row in tree):
        return Script(
            (), (), ()
        )  # a partition elsewhere cannot have an index, and the parent's would never be valid
    create, body = f"CREATE {read[1] or ''}INDEX", read[2]
    names = {(row["schema"], row["table"]): _part_name(name, row["schema"], row["table"]) for row in tree}
    names[schema, table] = name
    steps = [
        f"{create} IF NOT EXISTS {identifier(names[row['schema'], row['table']])} "
        f"ON ONLY {identifier(row['schema'], row['table'])} {body}"
        for row in tree
        if row["kind"] == "p"
    ]
    parts = [row for row in reversed(tree) if row["parent"] is not None and row["level"] > 0]
    for row in parts:
        part = names[row["schema"], row["table"]]
        if row["kind"] == "r":
            place = identifier(row["schema"], row["table"])
            steps.append(f"{create} CONCURRENTLY IF NOT EXISTS {identifier(part)} ON {place} {body}")
        parent = identifier(row["parent_schema"], names[row["parent_schema"], row["parent"]])
        steps.append(f"ALTER INDEX {parent} ATTACH PARTITION {identifier(row['schema'], part)}")
    undo = [f"DROP INDEX IF EXISTS {identifier(schema, name)}"]
    for row in sorted(
        parts, key=lambda row: row["kind"]
    ):  # parents first: what is attached to them goes with them
        part = identifier(row["schema"], names[row["schema"], row["table"]])
        undo.append(f"DROP INDEX {'CONCURRENTLY ' * (row['kind'] == 'r')}IF EXISTS {part}")
    held = [[row["schema"], names[row["schema"], row["table"]]] for row in parts]
    return Script(tuple(steps), (), tuple(undo), {"parts": held, "create": sql})


def statements(database: Database, row: Row) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What makes an advised index and what takes it away; `row` has the names of recommend_indexes().

    What a dead build left under its name goes first.
    """
    create, drop = str(row["implementation_sql"]), str(row["rollback_sql"])
    schema, name = str(row["schema_name"]), str(row["index_name"])
    script = partitioned_script(database, schema, str(row["table_name"]), name, create)
    if script is not None:
        return tuple(script.sql), tuple(script.rollback_sql)
    left = find_index(database, schema, name)
    return ((create,) if left is None else (dropping(schema, name), create)), (drop,)


def _part_name(name: str, schema: str, table: str) -> str:
    digest = hashlib.sha256(f"{name} {schema} {table}".encode()).hexdigest()[:8]
    return f"{name.encode()[: _BYTES - 9].decode(errors='ignore')}_{digest}"
