"""The peer of the season's load: the advice of a hypothetical single-column B-tree for every column without an index.

That is what Supabase's index_advisor does for one statement at a time: it makes such an index for each column of the
common types in all schemas of users, plans the statement once under a forced generic plan, and returns those that the
plan names. Here every statement that ran is asked about, and all that any of them names is built.
"""

from __future__ import annotations

import re
from typing import Any

import psycopg

Session = psycopg.Connection[Any]

_CANDIDATES = """
select format('create index on %I.%I (%I)', n.nspname, c.relname, a.attname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
where c.relkind = 'r' and n.nspname = 'public' and a.attnum > 0 and not a.attisdropped
  and a.atttypid::regtype::text in (
    'bigint', 'boolean', 'date', 'timestamp with time zone', 'timestamp without time zone', 'double precision', 'integer',
    'smallint', 'real', 'time without time zone', 'uuid', 'numeric', 'text', '"char"', 'character', 'character varying')
  and not exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum)
"""
_STATEMENTS = """
select s.query from pg_stat_statements s
where s.dbid = (select oid from pg_database where datname = %s)
  and s.query ~* '^\\s*(select|insert|update|delete|with)\\M' and s.query !~ 'pg_catalog'
"""


def advised(session: Session, observed: str) -> list[str]:
    """CREATE INDEX statements for what ran in the database `observed`; the session is in one of the same schema."""
    statements = [row[0] for row in session.execute(_STATEMENTS, [observed]).fetchall()]
    definitions: dict[str, str] = {}
    for (definition,) in session.execute(_CANDIDATES).fetchall():
        row = session.execute("select indexname from hypopg_create_index(%s)", [definition]).fetchone()
        assert row is not None
        definitions[row[0]] = definition
    session.execute("set plan_cache_mode = force_generic_plan")
    chosen = set()
    for statement in statements:
        plan = _plan(session, statement)
        chosen |= {definition for name, definition in definitions.items() if name in plan}
    session.execute("select hypopg_reset()")
    return sorted(chosen)


def _plan(session: Session, statement: str) -> str:
    """The generic plan as text; empty for what cannot be prepared, which the peer passes over too."""
    count = max((int(number) for number in re.findall(r"\$(\d+)", statement)), default=0)
    try:
        session.execute(f"prepare peer as {statement}".encode())
    except psycopg.Error:
        return ""
    try:
        values = f"({', '.join(['null'] * count)})" if count else ""
        return "\n".join(row[0] for row in session.execute(f"explain execute peer{values}".encode()))
    except psycopg.Error:
        return ""
    finally:
        session.execute("deallocate peer")
