"""What a statement's search path, server and session make of the words that rules read and write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wedding_dbopt.database import Database
from wedding_dbopt.rewrite.reading import CALLS


@dataclass(frozen=True)
class Surroundings:
    """`shadowed` are names of PostgreSQL's functions of which a schema on the search path has its own.

    `operators_shadowed` tells the same of an operator that compares or computes values of PostgreSQL's types, and
    `contains_shadowed` of `@>`, which the extension intarray redefines.
    """

    version: int = 150000
    work_mem: int = 4 * 1024 * 1024
    shadowed: frozenset[str] = frozenset()
    operators_shadowed: bool = False
    contains_shadowed: bool = False


def surroundings(database: Database, search_path: Sequence[str]) -> Surroundings:
    """Read the surroundings in one query."""
    row = database.query(_SURROUNDINGS, ["text[]", "text[]"], [list(search_path), sorted(CALLS)])[0]
    path = [schema for schema in search_path if schema]
    is_last = "pg_catalog" in path and path[0] != "pg_catalog"
    return Surroundings(
        version=row["version"],
        work_mem=row["work_mem"],
        shadowed=frozenset(row["functions"]),
        operators_shadowed=bool(set(row["operators"]) - {"@>"}) or is_last,
        contains_shadowed="@>" in row["operators"],
    )


_SURROUNDINGS = """
select current_setting('server_version_num')::int as version,
       (select setting::bigint * 1024 from pg_catalog.pg_settings where name = 'work_mem') as work_mem,
       array(select distinct p.proname::text
             from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             where n.nspname = any ($1::name[]) and n.nspname <> 'pg_catalog' and p.proname = any ($2::name[])) as functions,
       array(select distinct o.oprname::text
             from pg_catalog.pg_operator o
             join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
             join pg_catalog.pg_type l on l.oid = o.oprleft
             join pg_catalog.pg_type r on r.oid = o.oprright
             where n.nspname = any ($1::name[]) and n.nspname <> 'pg_catalog'
               and o.oprname in ('=', '<>', '<', '<=', '>', '>=', '+', '-', '/', '~~', '@>')
               and l.typnamespace = 'pg_catalog'::regnamespace and r.typnamespace = 'pg_catalog'::regnamespace) as operators
"""
