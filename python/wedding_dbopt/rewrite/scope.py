"""The sources of a SELECT, whose columns a part of it reads, and names that nobody uses yet."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.reading import MADE_UP
from wedding_dbopt.tree import flattened


def fresh_names(node: exp.Expr, wanted: int) -> list[str]:
    """Return names that no identifier of the whole statement has."""
    used = {identifier.name.lower() for identifier in node.root().find_all(exp.Identifier)}
    free = (name for number in count(1) if (name := f"{MADE_UP}{number}") not in used)
    return [next(free) for _ in range(wanted)]


def fresh_name(node: exp.Expr) -> str:
    """Return a name that no identifier of the whole statement has."""
    return fresh_names(node, 1)[0]


def conditions_of(select: exp.Expr) -> list[exp.Expr]:
    """Return the conditions that WHERE joins by AND, without parentheses around them."""
    where = select.args.get("where")
    return [] if where is None else [part.unnest() for part in flattened(where.this, exp.And)]


def inner_sources(select: exp.Expr) -> list[exp.Expr] | None:
    """Return the sources of a SELECT that only joins inner; None if there is another join or none at all."""
    start = select.args.get("from_")
    if start is None or select.args.get("laterals"):
        return None
    found = [start.this]
    for join in select.args.get("joins") or []:
        if join.args.get("side") or join.args.get("method") or join.args.get("using"):
            return None
        if str(join.args.get("kind") or "INNER") not in ("INNER", "CROSS"):
            return None
        found.append(join.this)
    return None if any(source.args.get("joins") for source in found) else found


def join_conditions(select: exp.Expr) -> list[exp.Expr]:
    """Return the conditions of ON of the joins, split at AND."""
    return [
        part.unnest()
        for join in select.args.get("joins") or []
        if join.args.get("on") is not None
        for part in flattened(join.args["on"], exp.And)
    ]


def columns_of(node: exp.Expr) -> list[exp.Column]:
    """Return the columns named anywhere below a node."""
    return list(node.find_all(exp.Column))


def reads(node: exp.Expr, facts: Facts, sources: Iterable[exp.Expr]) -> bool | None:
    """Tell whether a part reads a column of `sources`; None where a name is not sure.

    A bare star is not sure: it reads every source.
    """
    wanted = {id(source) for source in sources}
    found = False
    for star in node.find_all(exp.Star):
        if not isinstance(star.parent, (exp.Column, exp.Count)):
            return None
    for column in columns_of(node):
        owner = facts.owner(column)
        if owner is None:
            return None
        found = found or id(owner[1]) in wanted
    return found


def reads_only(node: exp.Expr, facts: Facts, sources: Iterable[exp.Expr]) -> bool:
    """Tell whether every column that a part names is surely one of `sources` or of a query below it."""
    wanted = {id(source) for source in sources}
    below = {id(source) for source in node.find_all(exp.Table, exp.Subquery, exp.Lateral)}
    if any(not isinstance(star.parent, (exp.Column, exp.Count)) for star in node.find_all(exp.Star)):
        return False
    for column in columns_of(node):
        owner = facts.owner(column)
        if owner is None or id(owner[1]) not in wanted | below:
            return False
    return True


def output_name(item: exp.Expr) -> str | None:
    """Return the name that PostgreSQL gives to an output column, where it is surely known."""
    if isinstance(item, exp.Alias):
        return item.args["alias"].name if isinstance(item.args.get("alias"), exp.Identifier) else None
    if isinstance(item, exp.Column) and isinstance(item.this, exp.Identifier):
        return str(item.this.name)
    return None


def is_own_column(term: exp.Expr, node: exp.Expr) -> bool:
    """Tell whether a term of ORDER BY is a column, not the name of another output."""
    if not isinstance(term, exp.Column):
        return False
    if term.args.get("table"):
        return True
    named = [item for item in node.expressions if isinstance(item, exp.Alias)]
    return all(folded(item.args["alias"]) != folded(term.this) for item in named)
