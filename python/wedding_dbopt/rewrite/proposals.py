"""Structures that would serve a statement better than any text: partitions, a materialised view. Never made by analysis.

Each comes with its DDL, its undo, and what it costs: a refresh and staleness, or a table that must be filled anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlglot import exp

from wedding_dbopt.catalog import Relation
from wedding_dbopt.plan import Plan
from wedding_dbopt.query import Query, folded
from wedding_dbopt.rewrite.constants import comparison, day_of
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, TIMESTAMPTZ, ColumnFact, Facts
from wedding_dbopt.rewrite.positions import is_pure

#: A range over more days than this reads much of a table however it is indexed.
LONG_RANGE_DAYS = 365
#: Tables below this are read faster whole than by parts.
PARTITION_ROWS = 100_000
MOST_PARTITIONS = 12
#: A materialised view pays where so many rows are read for each that comes back.
ROWS_READ_PER_ROW = 100
ROWS_READ = 10_000
REFRESH = "15 minutes"


@dataclass(frozen=True)
class Proposal:
    """A structure: `sql` makes it, `rollback_sql` takes it away, `text` is the statement that uses it."""

    kind: str
    sql: tuple[str, ...]
    rollback_sql: tuple[str, ...]
    text: str
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)
    refresh_sql: str | None = None
    staleness: str | None = None


def proposals(query: Query, facts: Facts, plan: Plan, examined: float) -> tuple[Proposal, ...]:
    """What might be built for a SELECT."""
    if query.kind != "select":
        return ()
    return (*_partitions(query, facts), *_materialised_view(query, plan, examined))


@dataclass
class _Range:
    fact: ColumnFact
    first: date | None = None
    after: date | None = None


def _partitions(query: Query, facts: Facts) -> Iterator[Proposal]:
    """Yearly partitions of a large table that is asked for ranges of a day or moment."""
    ranges: dict[tuple[str, str], _Range] = {}
    for node in query.tree.find_all(exp.Between, exp.GT, exp.GTE, exp.LT, exp.LTE):
        _note(ranges, node, facts)
    for found in ranges.values():
        relation = found.fact.relation
        if relation.kind != "r" or relation.inherited:
            continue
        days = (found.after - found.first).days if found.first and found.after else None
        long = days is not None and days > LONG_RANGE_DAYS
        if not long and relation.rows < PARTITION_ROWS:
            continue
        yield _partitioning(query, relation, found, days)


def _note(ranges: dict[tuple[str, str], _Range], node: exp.Expr, facts: Facts) -> None:
    types = (exp.DType.DATE, exp.DType.TIMESTAMP)
    if isinstance(node, exp.Between):
        operand, low, high = node.this, day_of(node.args["low"], *types), day_of(node.args["high"], *types)
    else:
        compared = comparison(node)
        if compared is None:
            return
        operand, day = compared.operand, day_of(compared.constant, *types)
        low, high = (day, None) if compared.operator in (exp.GT, exp.GTE) else (None, day)
    fact = facts.column(operand)
    if (
        fact is None
        or fact.column.type_oid not in (DATE, TIMESTAMP, TIMESTAMPTZ)
        or (low is None and high is None)
    ):
        return
    found = ranges.setdefault((fact.relation.name, fact.column.name), _Range(fact))
    found.first = low or found.first
    found.after = high or found.after


def _partitioning(query: Query, relation: Relation, found: _Range, days: int | None) -> Proposal:
    column = _quoted(found.fact.column.name)
    table = f"{_quoted(relation.schema)}.{_quoted(relation.name)}"
    new = f"{_quoted(relation.schema)}.{_quoted(relation.name + '_by_year')}"
    first = found.first.year if found.first else (found.after.year - 1 if found.after else 2026)
    last = max(found.after.year if found.after else first + 1, first)
    years = list(range(first, min(last, first + MOST_PARTITIONS - 1) + 1))
    sql = [
        f"CREATE TABLE {new} (LIKE {table} INCLUDING DEFAULTS INCLUDING GENERATED) PARTITION BY RANGE ({column})"
    ]
    for year in years:
        part = f"{_quoted(relation.schema)}.{_quoted(f'{relation.name}_{year}')}"
        sql.append(
            f"CREATE TABLE {part} PARTITION OF {new} FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
        )
    rest = f"{_quoted(relation.schema)}.{_quoted(relation.name + '_rest')}"
    sql.append(f"CREATE TABLE {rest} PARTITION OF {new} DEFAULT")
    asked = f"a range of {days:,} days" if days is not None else "a range without an end"
    reason = (
        f"{relation.name} ({relation.rows:,.0f} rows) is asked for {asked} of {found.fact.column.name}. Partitioned by its year, "
        "a statement reads the years it names and old years are dropped at once. Every unique key must then hold "
        f"{found.fact.column.name}, and the rows must be moved, so this is a project and no tuning step."
    )
    numbers = {
        "days": days,
        "rows": relation.rows,
        "column": found.fact.column.name,
        "type": found.fact.column.type,
        "from": found.first.isoformat() if found.first else None,
        "until": found.after.isoformat() if found.after else None,
        "first_year": years[0],
        "last_year": years[-1],
        "partitions": len(years) + 1,
    }
    return Proposal("partitioning", tuple(sql), (f"DROP TABLE {new}",), query.text, reason, numbers)


@dataclass(frozen=True)
class KeptAggregate:
    """An aggregate whose few rows can be kept: the view's name, and the columns that tell its rows apart, if any do."""

    name: str
    key: tuple[str, ...]
    examined: float
    rows: float


def kept_aggregate(query: Query, plan: Plan, examined: float) -> KeptAggregate | None:
    """An aggregate over many rows, asked without parameters, that a materialised view could answer."""
    tree = query.tree
    if (
        not isinstance(tree, exp.Select)
        or query.parameter_count
        or not tree.find(exp.AggFunc)
        or not is_pure(tree)
        or tree.find(exp.CurrentTimestamp, exp.CurrentDate, exp.Lock)
        or any(item.is_star for item in tree.expressions)
    ):
        return None
    rows = max(plan.rows_returned, 1.0)
    if examined < ROWS_READ or examined < ROWS_READ_PER_ROW * rows:
        return None
    names = [
        folded(item.args["alias"]) if item.args.get("alias") else item.alias_or_name
        for item in tree.expressions
    ]
    if len(set(names)) < len(names) or "" in names:
        return None
    name = f"wd_{hashlib.sha256(query.text.encode()).hexdigest()[:8]}"
    return KeptAggregate(name, _grouped(tree, names), examined, rows)


def _grouped(tree: exp.Select, names: list[str]) -> tuple[str, ...]:
    """The output columns of all keys of a plain GROUP BY; none where one is not put out, or with GROUPING SETS."""
    group = tree.args.get("group")
    if group is None or any(value for key, value in group.args.items() if key != "expressions"):
        return ()
    written = [item.unalias().sql(dialect="postgres") for item in tree.expressions]
    found = []
    for key in group.expressions:
        text = key.sql(dialect="postgres")
        if isinstance(key, exp.Literal) and text.isdigit() and 0 < int(text) <= len(names):
            found.append(names[int(text) - 1])
        elif text in written:
            found.append(names[written.index(text)])
        else:
            return ()
    return tuple(dict.fromkeys(found))


def _materialised_view(query: Query, plan: Plan, examined: float) -> Iterator[Proposal]:
    found = kept_aggregate(query, plan, examined)
    if found is None:
        return
    view = _quoted(found.name)
    sql = [f"CREATE MATERIALIZED VIEW {view} AS {query.text}"]
    if found.key:
        sql.append(f"CREATE UNIQUE INDEX ON {view} ({', '.join(_quoted(name) for name in found.key)})")
    concurrently = " CONCURRENTLY" if found.key else ""
    yield Proposal(
        "materialized_view",
        tuple(sql),
        (f"DROP MATERIALIZED VIEW {view}",),
        f"SELECT * FROM {view}",
        f"About {examined:,.0f} rows are read to return {found.rows:,.0f}. A materialised view keeps these; the statement must "
        "be changed to read it, with its own ORDER BY, by somebody who knows that stale figures will do. Who may read the view "
        "sees all its rows: row-level security of the tables does not reach them.",
        {"rows_examined": round(examined), "rows_returned": round(found.rows), "cost": plan.total_cost},
        refresh_sql=f"REFRESH MATERIALIZED VIEW{concurrently} {view}",
        staleness=f"As old as the last refresh: refreshed each {REFRESH}, up to {REFRESH} behind.",
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
