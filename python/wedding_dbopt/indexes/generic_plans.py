"""Partial indexes that a generic plan cannot use, because a parameter stands where the predicate needs a constant.

The planner proves a predicate from the statement's text. `status = $1` proves nothing, whatever value comes; only a plan
made anew for each value can take the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from ..query import Query
from .definition import IndexDef
from .predicates import TableUse
from .resolve import name_of

Uses = Mapping[str, tuple[TableUse, ...]]


def notes(index: IndexDef, served: Iterable[str], queries: Mapping[str, Query], uses: Uses) -> Iterator[str]:
    """What to say of a chosen index: whom its own predicate shuts out, and whom those of existing indexes do.

    `served` are the statements that it serves; `queries` and `uses` are the workload.
    """
    if index.where is not None:
        yield from _shut_out(index.columns[0].column, index.where, index.place, queries, uses, "it")
    among = {key: queries[key] for key in served}
    held = {
        item.name: item
        for key in among
        for use in uses[key]
        if use.relation.place == index.place
        for item in use.relation.indexes
    }
    for item in held.values():
        if item.predicate is not None and item.valid:
            name = f"the existing partial index {item.name}"
            yield from _shut_out(item.columns[0], item.predicate, index.place, among, uses, name)


def _shut_out(
    leading: str | None,
    predicate: str,
    place: tuple[str, str],
    queries: Mapping[str, Query],
    uses: Uses,
    name: str,
) -> Iterator[str]:
    columns = _columns(predicate)
    for key, query in queries.items():
        given = {
            column
            for use in uses[key]
            if use.relation.place == place and _asks(use, leading)
            for column in _parameters(use) & columns
        }
        if query.parameter_count and given:
            listed = ", ".join(sorted(given))
            yield (
                f"A generic plan of statement {key} cannot use {name}: "
                f"{listed} is a parameter there, which does not prove {predicate}."
            )


def _asks(use: TableUse, leading: str | None) -> bool:
    return leading is None or any(term.column == leading for term in use.terms())


def _parameters(use: TableUse) -> set[str]:
    """The columns compared with a value that is not in the text."""
    fixed = {column for constant in use.constants for column in constant.columns}
    compared = {term.column for group in use.groups for term in (*group.equal, *group.ranged) if term.column}
    return compared - fixed


def _columns(predicate: str) -> frozenset[str]:
    try:
        tree = parse_one(f"SELECT 1 WHERE {predicate}", dialect="postgres")
    except SqlglotError:
        return frozenset()
    return frozenset(name_of(column.this) for column in tree.find_all(exp.Column))
