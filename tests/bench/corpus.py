"""The rewriting corpus: statements of three schemas, with what an expert would write, traps, and optimal ones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

FOLDER = Path(__file__).parents[1] / "fixtures" / "rewrite_corpus"
SCHEMAS = ("wedding", "shop", "tracking")
HEADER = re.compile(r"-- (\w+) (\w+)(?: (\(.*\)))?")


@dataclass(frozen=True)
class Case:
    """A statement of a schema; `values` are written as SQL, `reference` is the expert's form of a profitable one."""

    kind: str
    name: str
    schema: str
    values: str
    text: str
    reference: str | None


def cases(kind: str) -> list[Case]:
    """Read one file of the corpus: "profit", "traps" or "optimal"."""
    found: list[Case] = []
    header: re.Match[str] | None = None
    texts: list[str] = []
    for line in [*(FOLDER / f"{kind}.sql").read_text().splitlines(), "-- end end"]:
        match = HEADER.fullmatch(line)
        if match is not None:
            if header is not None and texts:
                reference = texts[1] if len(texts) > 1 else None
                found.append(Case(kind, header[1], header[2], header[3] or "", texts[0], reference))
            header, texts = match, []
        elif line and not line.startswith("--"):
            texts.append(line.removesuffix(";"))
    return found


def load(connection: psycopg.Connection[Any], scale: str) -> None:
    """Make the schemas and fill them; `scale` is 1 for the large case and may be 0."""
    connection.execute((FOLDER / "schema.sql").read_text())
    if scale != "0":
        connection.execute((FOLDER / "data.sql").read_text().replace("SCALE", scale))
    connection.execute("vacuum analyze")


def prepare(connection: psycopg.Connection[Any], case: Case, text: str) -> str:
    """Return the statement that runs a text: itself, or EXECUTE of a generic plan where it has parameters."""
    connection.prepare_threshold = None  # what psycopg prepares by itself must not be dropped behind its back
    connection.execute("deallocate all")
    if not case.values:
        return text
    connection.execute("set plan_cache_mode = force_generic_plan")
    connection.execute(f"prepare corpus as {text}")
    return f"execute corpus{case.values}"


def rows_of(
    connection: psycopg.Connection[Any], case: Case, text: str
) -> tuple[list[tuple[str, int]], list[str]]:
    """Return names and types of the columns, and the rows as text."""
    cursor = connection.execute(prepare(connection, case, text).encode())
    columns = [(column.name, column.type_code) for column in cursor.description or ()]
    return columns, [repr(row) for row in cursor.fetchall()]


def same(case: Case, first: tuple[Any, list[str]], second: tuple[Any, list[str]]) -> bool:
    """Tell whether two results are equal: in their order where ORDER BY ends the statement."""
    ordered = re.search(r"order by [^()]*$", case.text) is not None
    if first[0] != second[0]:
        return False
    return first[1] == second[1] if ordered else sorted(first[1]) == sorted(second[1])
