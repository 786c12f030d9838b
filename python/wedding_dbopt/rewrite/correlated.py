"""Scalar subqueries that aggregate: what they compute, over which rows, and which columns tie them to the outside."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts, same_kind
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import conditions_of, inner_sources, reads_only
from wedding_dbopt.rewrite.totality import is_total

AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Min: "min",
    exp.Max: "max",
    exp.Avg: "avg",
}


@dataclass(frozen=True)
class Scalar:
    """`(SELECT aggregate FROM ... WHERE ...)`, which always has one row.

    `name` is what its output column is called; `place` is the node to replace.
    """

    place: exp.Expr
    select: exp.Select
    aggregate: exp.Expr
    name: str

    @property
    def counts(self) -> bool:
        """Tell whether the value over no rows is 0 and not NULL."""
        return isinstance(self.aggregate, exp.Count)


def scalar_of(node: exp.Expr) -> Scalar | None:
    """Return the aggregate of a scalar subquery without groups, calls with side effects or limits."""
    select = node.this if type(node) is exp.Subquery else None
    if not isinstance(select, exp.Select) or isinstance(
        node.parent, (exp.From, exp.Join, exp.Lateral, exp.In, exp.Any)
    ):
        return None
    if any(value for key, value in node.args.items() if key != "this"):
        return None
    if not has_only(select, "from_", "joins", "where") or len(select.expressions) != 1 or not is_pure(select):
        return None
    item = select.expressions[0]
    aggregate = item.unalias()
    if not _is_value(aggregate) or not select.args.get("from_") or aggregate.find(exp.Query):
        return None
    name = item.alias if isinstance(item, exp.Alias) else AGGREGATES.get(type(aggregate), "?column?")
    return Scalar(node, select, aggregate, name)


def _is_value(node: exp.Expr) -> bool:
    """Tell whether a value is an aggregate, or one multiplied by constants: then it is NULL over no rows."""
    if type(node) in AGGREGATES:
        return True
    if not isinstance(node, (exp.Mul, exp.Paren)):
        return False
    sides = [node.this] if isinstance(node, exp.Paren) else [node.this, node.expression]
    rest = [side for side in sides if not isinstance(side, exp.Literal)]
    return len(rest) == 1 and not isinstance(rest[0].unnest(), exp.Count) and _is_value(rest[0])


@dataclass(frozen=True)
class Correlation:
    """The conditions of a subquery: `local` ones, and pairs of its own column and one from outside, to be equal."""

    local: list[exp.Expr]
    pairs: list[tuple[exp.Column, exp.Column]]


def correlation_of(select: exp.Expr, facts: Facts) -> Correlation | None:
    """Return how a subquery hangs on the outside; None where it does by anything but equality of columns."""
    sources = inner_sources(select)
    if sources is None:
        return None
    rest = [part for key, part in _parts(select) if key != "where"]
    if not all(reads_only(part, facts, sources) for part in rest):
        return None
    local: list[exp.Expr] = []
    pairs: list[tuple[exp.Column, exp.Column]] = []
    for condition in conditions_of(select):
        if reads_only(condition, facts, sources):
            local.append(condition)
            continue
        pair = _pair(condition, facts, sources)
        if pair is None:
            return None
        pairs.append(pair)
    return Correlation(local, pairs)


def _parts(select: exp.Expr) -> list[tuple[str, exp.Expr]]:
    found: list[tuple[str, exp.Expr]] = []
    for key, value in select.args.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, exp.Expr):
                found.append((key, part))
    return found


def _pair(condition: exp.Expr, facts: Facts, sources: list[exp.Expr]) -> tuple[exp.Column, exp.Column] | None:
    if type(condition) is not exp.EQ:
        return None
    own = {id(source) for source in sources}
    for inner, outer in ((condition.this, condition.expression), (condition.expression, condition.this)):
        inner_fact, outer_fact = facts.column(inner), facts.column(outer)
        if inner_fact is None or outer_fact is None or not same_kind(inner_fact, outer_fact):
            continue
        if id(inner_fact.source) in own and id(outer_fact.source) not in own:
            return inner, outer
    return None


def is_safe(select: exp.Expr) -> bool:
    """Tell whether what a subquery computes and tests cannot fail on rows that it did not reach so far."""
    return all(is_total(part) for key, part in _parts(select))
