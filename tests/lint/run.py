"""Checks that need an installed extension: plpgsql_check over its functions, the documents against what is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psycopg

from tests.cluster import Cluster
from tests.lint.readme import wrong_lines
from tests.lint.reference import reference

CHECK = """
select p.oid::regprocedure::text, c.lineno, c.level, c.message
from pg_proc p
join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
cross join lateral plpgsql_check_function_tb(
  p.oid, relid => case when p.prorettype = 'trigger'::regtype then '_wedding_dbopt.setting'::regclass else 0 end,
  extra_warnings => false, performance_warnings => false) c
where p.pronamespace in ('wedding_dbopt'::regnamespace, '_wedding_dbopt'::regnamespace)
  and c.level <> 'warning extra'
order by 1, 2
"""
#: Statements built at run time, and views that servers before 16 and 17 do not have.
DYNAMIC = (
    "cannot determinate a result of dynamic SQL",
    'relation "pg_stat_io" does not exist',
    'relation "pg_stat_checkpointer" does not exist',
)


def complaints(connection: psycopg.Connection[Any]) -> list[str]:
    """What plpgsql_check says, and what the documents say that is not so."""
    connection.execute("create extension plpgsql_check")
    found = [
        f"{function}:{line}: {level}: {message}"
        for function, line, level, message in connection.execute(CHECK).fetchall()
        if not any(text in message for text in DYNAMIC)
    ]
    written = Path("extension/wedding_dbopt.md")
    if written.read_text() != reference(connection):
        found.append(f"{written} is stale: run make docs")
    return found + wrong_lines(connection, Path("README.md").read_text())


def main() -> int:
    with Cluster() as cluster:
        cluster.install("test", "hypopg", "pg_cron")
        with cluster.connect() as connection:
            found = complaints(connection)
    print("\n".join(found) or "plpgsql_check and the documents: nothing to complain of")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
