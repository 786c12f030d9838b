"""What README.md says of functions and defaults, against an installed extension."""

from __future__ import annotations

import re
from typing import Any

import psycopg

ROUTINES = (
    "select distinct proname from pg_proc where pronamespace = 'wedding_dbopt'::regnamespace order by 1"
)
QUOTED = re.compile(r"`([^`]*)`")


def wrong_lines(connection: psycopg.Connection[Any], text: str) -> list[str]:
    """Public functions that the table of functions lacks, and defaults that are other ones."""
    functions = text.split("## Functions", 1)[1].split("\n## ", 1)[0]
    found = [
        f"README.md: the table of functions lacks {name}()"
        for (name,) in connection.execute(ROUTINES).fetchall()
        if not re.search(rf"\b{name}\(", functions)
    ]
    defaults = dict(connection.execute("select name, value from _wedding_dbopt.setting").fetchall())
    for line in text.splitlines():
        cells = line.split(" | ")
        if len(cells) != 3:
            continue
        names, values = QUOTED.findall(cells[0]), QUOTED.findall(cells[1])
        if len(names) != len(values):
            continue
        found += [
            f"README.md: the default of {name} is {defaults[name]}, not {value}"
            for name, value in zip(names, values, strict=True)
            if name in defaults and defaults[name] != value
        ]
    return found
