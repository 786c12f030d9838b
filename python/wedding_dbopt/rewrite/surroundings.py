"""What a statement's search path, server and session make of the words that rules read and write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wedding_dbopt.database import Database
from wedding_dbopt.rewrite.reading import CALLS, words_of

#: PostgreSQL's own functions whose every call counts; user's come from the catalogue.
VOLATILE = words_of(
    """random random_normal nextval setval currval lastval clock_timestamp timeofday gen_random_uuid uuid_generate_v4
    pg_sleep pg_sleep_for pg_sleep_until set_config setseed txid_current pg_advisory_lock pg_advisory_xact_lock
    pg_try_advisory_lock pg_try_advisory_xact_lock pg_notify pg_cancel_backend pg_terminate_backend dblink
    dblink_exec lo_import lo_export lo_create pg_read_file query_to_xml"""
)


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
    volatile: frozenset[str] = VOLATILE


def surroundings(database: Database, search_path: Sequence[str], words: Collection[str]) -> Surroundings:
    """Read the surroundings of a statement with these words in one query."""
    values = [list(search_path), sorted(CALLS), sorted(words)]
    row = database.query(_SURROUNDINGS, ["text[]", "text[]", "text[]"], values)[0]
    path = [schema for schema in search_path if schema]
    is_last = "pg_catalog" in path and path[0] != "pg_catalog"
    return Surroundings(
        version=row["version"],
        work_mem=row["work_mem"],
        shadowed=frozenset(row["functions"]),
        operators_shadowed=bool(set(row["operators"]) - {"@>"}) or is_last,
        contains_shadowed="@>" in row["operators"],
        volatile=VOLATILE | frozenset(row["volatile"]),
    )


_SURROUNDINGS = """
select current_setting('server_version_num')::int as version,
       pg_catalog.pg_size_bytes(current_setting('work_mem')) as work_mem,
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
               and l.typnamespace = 'pg_catalog'::regnamespace and r.typnamespace = 'pg_catalog'::regnamespace) as operators,
       array(select distinct p.proname::text from pg_catalog.pg_proc p
             where p.provolatile = 'v' and p.prokind = 'f' and p.proname = any ($3::name[])) as volatile
"""
