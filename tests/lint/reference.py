"""Print the function reference, generated from the comments of an installed extension."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.cluster import Cluster

ROUTINES = """
select a.level, p.proname, p.prokind, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
       p.provolatile, obj_description(p.oid, 'pg_proc')
from pg_proc p
left join _wedding_dbopt.access_policy() a on a.routine = p.oid::regproc::text
where p.pronamespace = 'wedding_dbopt'::regnamespace
order by p.proname
"""
TABLES = """
select c.relname, obj_description(c.oid, 'pg_class')
from pg_class c
where c.relnamespace = '_wedding_dbopt'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by 1
"""
LEVELS = {
    "read": "Reading (`grant_access(role, 'read')`)",
    "analyze": "Analysis (`grant_access(role, 'analyze')`)",
    "operate": "Operation (`grant_access(role, 'operate')`)",
    "owner": "For the extension's owner",
}


def reference(connection: psycopg.Connection[Any]) -> str:
    """The reference as Markdown."""
    routines = connection.execute(ROUTINES).fetchall()
    lines = ["# Function reference", "", "Generated from the installed comments by `make docs`.", ""]
    for level, title in LEVELS.items():
        lines += [f"## {title}", ""]
        for own_level, name, kind, arguments, result, volatility, comment in routines:
            if own_level != level:
                continue
            call = "CALL " if kind == "p" else ""
            lines += [f"### {call}wedding_dbopt.{name}({arguments})", "", comment, ""]
            if kind != "p":
                kept = {"s": ", STABLE: callable by HTTP GET", "i": ", IMMUTABLE", "v": ""}[volatility]
                lines += [f"Returns `{result}`{kept}.", ""]
    lines += ["## Tables of schema _wedding_dbopt", "", "| table | holds |", "|---|---|"]
    lines += [f"| {name} | {comment or ''} |" for name, comment in connection.execute(TABLES).fetchall()]
    return "\n".join(lines) + "\n"


def main() -> None:
    with Cluster() as cluster:
        cluster.install()
        with cluster.connect() as connection:
            print(reference(connection), end="")


if __name__ == "__main__":
    main()
