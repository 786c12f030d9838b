"""A stored column for a full-text search that computes its document again for each row it finds.

An index of an expression finds rows without computing it, but whatever ranks them, or looks at them again after the
index (a phrase, a weight), computes `to_tsvector(...)` of the whole document for each. A column that holds the value saves
that, for its size on disk. How much, a sample tells: the same search is run there in both forms. The column is computed by
exactly the statements' expression, so a row whose NULL part makes it NULL is found as little as before, and no row more or
less.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from ..catalog import Catalog, Relation
from ..database import Database, DatabaseError
from ..errors import TooDeep, stack_bound
from ..query import Query
from ..rewrite.splice import span_of
from .candidates import eligible
from .conditions import Search
from .predicates import table_uses
from .resolve import Resolver
from .sample import SAMPLE, Unproven, read_text, refusal_of, sample_source, with_value
from .statistics import row_count
from .terms import column_term, quoted, term

#: The search must take at most this share of its time with the column.
MOST_LEFT = 0.5
_RANKS = ("ts_rank", "ts_rank_cd")
_STORED = "wd_index_stored"
_COLUMN = "wd_document"
_RUNS = 3
# A document may take a millisecond to compute, and each of these is computed several times.
_ROWS = 1000


@dataclass(frozen=True)
class Measured:
    """One search of the sample's `rows`, of which it finds `found`: ms and blocks by the expression and by the column.

    `bytes_per_row` is what the column takes.
    """

    rows: int
    found: int
    expression_ms: float
    stored_ms: float
    expression_blocks: int
    stored_blocks: int
    bytes_per_row: float

    @property
    def left(self) -> float:
        """The share of the time that is left with the column."""
        return self.stored_ms / max(self.expression_ms, 1e-9)


@dataclass
class Searched:
    """An expression that statements search and rank by: their keys, and what the column would be called."""

    relation: Relation
    search: Search
    ranks: set[str] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)

    @property
    def column(self) -> str:
        """A name that the table does not have."""
        wanted = "_".join(["search", *self.search.columns])[:50]
        taken = self.relation.columns
        return next(name for name in (wanted, *(f"{wanted}_{n}" for n in range(2, 99))) if name not in taken)


Try = Callable[[Searched], "Measured | Unproven"]


def searched(statements: Iterable[tuple[str, Query]], catalog: Catalog) -> list[Searched]:
    """The expressions that statements search by, where a column could hold them; those that none ranks by too."""
    found: dict[tuple[int, str], Searched] = {}
    for key, query in statements:
        if query.kind != "select":
            continue
        try:
            uses, ranks = table_uses(query.tree, catalog), _ranked(query, catalog)
        except TooDeep:
            continue  # the search met the same failure and recorded it
        for use in uses:
            for search in use.searches:
                plain = search.expression == column_term(search.columns[0]).sql
                if search.family != "tsvector" or plain or use.relation.kind != "r":
                    continue
                if not eligible(use.relation):
                    continue
                place = (use.relation.oid, search.expression)
                entry = found.setdefault(place, Searched(use.relation, search))
                entry.ranks |= ranks[search.expression]
                if key not in entry.keys:
                    entry.keys.append(key)
    return list(found.values())


@stack_bound
def _ranked(query: Query, catalog: Catalog) -> dict[str, set[str]]:
    """By expression the functions that rank by it."""
    resolver = Resolver(catalog)
    found: dict[str, set[str]] = defaultdict(set)
    for call in query.tree.find_all(exp.Anonymous):
        name = str(call.this).lower()
        if name in _RANKS and not isinstance(call.parent, exp.Dot):
            for argument in call.expressions:
                place = term(argument, resolver)
                if place is not None:
                    found[place[1].sql].add(name)
    return found


def rewritten(query: Query, item: Searched, catalog: Catalog) -> str | None:
    """The statement with the column in the place of the expression; None where its places are not found."""
    resolver = Resolver(catalog)
    spans = []
    for table, node in _places(query.tree, item.search.expression, resolver):
        span = span_of(query.plannable, node)
        if span is None:
            return None
        spans.append((span, f"{quoted(table.alias_or_name)}.{quoted(item.column)}"))
    text = query.plannable
    for span, name in sorted(spans, reverse=True):
        text = text[: span.start] + name + text[span.end :]
    return text if spans else None


def _places(tree: exp.Expr, expression: str, resolver: Resolver) -> Iterator[tuple[exp.Table, exp.Expr]]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        found = term(node, resolver) if isinstance(node, exp.Condition) else None
        if found is not None and found[1].sql == expression:
            yield found[0], node
        else:
            waiting += node.iter_expressions(reverse=True)


def measure(database: Database, reader: Database, item: Searched) -> Measured | Unproven:
    """Run the search on a sample with an index of the expression and with one of a stored column.

    `database` reads the catalogue, `reader` the table. Nothing is left behind.
    """
    try:
        expression, condition = read_text(item.search.expression), read_text(item.search.condition)
    except (SqlglotError, AttributeError, KeyError):
        return Unproven("the condition cannot be read")
    columns = sorted({column.name for column in condition.find_all(exp.Column)})
    refusal = refusal_of(database, item.relation, [expression, condition], columns)
    if refusal is not None:
        return Unproven(refusal)
    try:
        with database.rolled_back():
            return _measured(reader, item, expression, condition, columns)
    except DatabaseError as error:
        return Unproven(f"the sample failed: {error}")


def _measured(
    database: Database, item: Searched, expression: exp.Expr, condition: exp.Expr, columns: list[str]
) -> Measured | Unproven:
    key = expression.sql("postgres")
    database.query("SELECT set_config('search_path', 'pg_catalog, pg_temp', true)")
    source = sample_source(item.relation, [quoted(column) for column in columns])
    database.query(f"CREATE TEMPORARY TABLE {SAMPLE} AS SELECT * FROM {source} s LIMIT {_ROWS}")
    rows = database.query(f"SELECT count(*)::float8 AS n FROM pg_temp.{SAMPLE}")[0]["n"]
    wanted = with_value(database, item.search, key, condition, rows)
    if wanted is None:
        return Unproven("the searched value is a parameter and no typical value is known")
    database.query(f"CREATE TEMPORARY TABLE {_STORED} AS SELECT * FROM pg_temp.{SAMPLE}")
    # As the server itself would: an expression that is not immutable is refused here.
    database.query(
        f"ALTER TABLE pg_temp.{_STORED} ADD COLUMN {_COLUMN} tsvector GENERATED ALWAYS AS ({key}) STORED"
    )
    for table, held in ((SAMPLE, key), (_STORED, _COLUMN)):
        database.query(f"CREATE INDEX {table}_words ON pg_temp.{table} USING gin (({held}))")
        database.query(f"ANALYZE pg_temp.{table}")
    stored = wanted.replace(key, _COLUMN)
    database.query("SELECT set_config('enable_seqscan', 'off', true)")
    known = database.query(
        f"SELECT (SELECT count(*) FROM pg_temp.{_STORED} WHERE {stored})::float8 AS found, "
        f"(SELECT count(*) FROM pg_temp.{SAMPLE} WHERE {wanted})::float8 AS before, "
        f"(SELECT avg(pg_column_size({_COLUMN})) FROM pg_temp.{_STORED})::float8 AS bytes"
    )[0]
    if not known["found"] or known["found"] != known["before"]:
        return Unproven("the searched value is not in the sample")
    ms, blocks = _run(database, SAMPLE, item, key, wanted)
    stored_ms, stored_blocks = _run(database, _STORED, item, _COLUMN, stored)
    return Measured(
        int(rows), int(known["found"]), ms, stored_ms, blocks, stored_blocks, known["bytes"] or 0.0
    )


def _run(database: Database, table: str, item: Searched, held: str, wanted: str) -> tuple[float, int]:
    """The least ms of some runs, and the blocks, of a search that ranks what it finds as the statements do."""
    rank = min(item.ranks, default=None)
    output = f"max({rank}({held}, {_words(wanted, held)}))" if rank else "count(*)"
    text = f"SELECT {output} FROM pg_temp.{table} WHERE {wanted}"
    times, blocks = [], 0
    for _ in range(_RUNS):
        answer = database.query(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {text}")
        said: Any = next(iter(answer[0].values()))
        top = (json.loads(said) if isinstance(said, str) else said)[0]
        times.append(float(top["Execution Time"]))
        plan = top["Plan"]
        blocks = int(plan.get("Local Hit Blocks", 0) + plan.get("Local Read Blocks", 0))
    return min(times), blocks


def _words(wanted: str, held: str) -> str:
    """What a condition searches for: its side that is not the document."""
    left, _, right = wanted.partition(" @@ ")
    return right if left.strip() == held else left


def size_of_column(item: Searched, measured: Measured) -> int:
    """Bytes that the column adds to the table."""
    return int(measured.bytes_per_row * row_count(item.relation))
