"""An index as the catalogue has it, for the types of actions that make, drop or rebuild one."""

from __future__ import annotations

import json
from dataclasses import dataclass

from wedding_dbopt.database import Database
from wedding_dbopt.tuning.deeds.deed import identifier

_INDEX = """
select c.oid::bigint as oid, i.indisvalid as valid, i.indisready as ready, i.indislive as live,
       pg_catalog.pg_relation_size(c.oid) as bytes, pg_catalog.pg_get_indexdef(c.oid) as definition,
       pg_catalog.obj_description(c.oid, 'pg_class') as comment, c.reloptions::text as options,
       (select t.spcname from pg_catalog.pg_tablespace t where t.oid = c.reltablespace) as tablespace,
       (select pg_catalog.string_agg(a.attnum || '=' || a.attstattarget, ',' order by a.attnum)
        from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attstattarget >= 0) as targets,
       i.indisclustered as clustered, i.indisreplident as identity,
       exists (select from pg_catalog.pg_constraint k where k.conindid = c.oid) as constrained,
       i.indisunique as unique, c.relkind as kind, c.relispartition as partition,
       exists (select from pg_catalog.pg_stat_progress_create_index p
               where p.index_relid = c.oid) as building
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_index i on i.indexrelid = c.oid
where n.nspname = $1 and c.relname = $2
"""
_TABLE = """
select c.oid::bigint as oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
"""
_COVERED = "select true as covered from _wedding_dbopt.redundant_indexes($1) where indexrelid = $1"


@dataclass(frozen=True)
class IndexState:
    """One index. `image` is all of it that an undo must bring back; the comment and the definition are in it."""

    oid: int
    valid: bool
    ready: bool
    live: bool
    bytes: int
    definition: str
    comment: str | None
    building: bool
    constrained: bool
    unique: bool
    kind: str
    partition: bool
    image: str


def find_index(database: Database, schema: str, name: str) -> IndexState | None:
    """The index of this name, or None."""
    rows = database.query(_INDEX, ["name", "name"], [schema, name])
    if not rows or rows[0]["bytes"] is None:  # no size: it went while it was looked at
        return None
    row = rows[0]
    parts = ("definition", "valid", "comment", "options", "tablespace", "targets", "clustered", "identity")
    return IndexState(
        int(row["oid"]),
        bool(row["valid"]),
        bool(row["ready"]),
        bool(row["live"]),
        int(row["bytes"]),
        str(row["definition"]),
        row["comment"],
        bool(row["building"]),
        bool(row["constrained"]),
        bool(row["unique"]),
        str(row["kind"]),
        bool(row["partition"]),
        json.dumps({part: row[part] for part in parts}),
    )


def is_covered(database: Database, oid: int) -> bool:
    """Whether an index that is there to stay does all that this one does, hidden or not, by what the findings call redundant."""
    return bool(database.query(_COVERED, ["oid"], [oid]))


def dropping(schema: str, name: str) -> str:
    """The statement that drops an index and lets everybody go on; it may be run twice."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {identifier(schema, name)}"


def table_exists(database: Database, schema: str, table: str) -> bool:
    return bool(database.query(_TABLE, ["name", "name"], [schema, table]))
