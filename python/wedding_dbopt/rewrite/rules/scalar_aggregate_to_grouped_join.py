"""Turn `(SELECT sum(x) FROM t WHERE t.k = o.k)` into a join with `SELECT k, sum(x) FROM t GROUP BY k`.

Why: The subquery runs once for each row outside; the grouped one reads the table once.
Sound when: the subquery is tied to the outside by equality of columns of one type alone, so that the grouped key is
unique and the left join keeps every row once; a count over no rows is put back to 0, other aggregates stay NULL; and
nothing in it has side effects, can fail on rows that were not reached, or depends on the order of its rows.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.correlated import Correlation, Scalar, correlation_of, is_safe, scalar_of
from wedding_dbopt.rewrite.decided import all_decided
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.joining import (
    can_join_more,
    column,
    derived,
    nearest_select,
    replace_value,
    stands_in,
    with_source,
)
from wedding_dbopt.rewrite.scope import fresh_names
from wedding_dbopt.rewrite.templates import all_of, with_where

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "always"
LEVEL = "aggressive"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    return () if _found(node, facts) is not None else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT with the grouped subquery joined."""
    found = _found(node, facts)
    assert found is not None
    scalars, tied = found
    computed: list[exp.Expr] = []
    for scalar in scalars:
        if scalar.aggregate not in computed:
            computed.append(scalar.aggregate)
    name, *names = fresh_names(node, 1 + len(computed) + len(tied.pairs))
    values, keys = names[: len(computed)], names[len(computed) :]
    grouped = with_where(scalars[0].select, tied.local)
    inner = [pair[0] for pair in tied.pairs]
    items = [exp.Alias(this=key.copy(), alias=exp.to_identifier(as_)) for key, as_ in zip(inner, keys)]
    items += [exp.Alias(this=one.copy(), alias=exp.to_identifier(as_)) for one, as_ in zip(computed, values)]
    grouped.set("expressions", items)
    grouped.set("group", exp.Group(expressions=[key.copy() for key in inner]))
    matches = [
        exp.EQ(this=column(name, as_), expression=outer.copy()) for as_, (_, outer) in zip(keys, tied.pairs)
    ]
    copy = node.copy()
    for scalar in scalars:
        result: exp.Expr = column(name, values[computed.index(scalar.aggregate)])
        if scalar.counts:
            result = exp.Coalesce(this=result, expressions=[exp.Literal.number(0)])
        replace_value(copy, scalar.place, result, scalar.name)
    with_source(copy, exp.Join(this=derived(grouped, name), side="LEFT", on=all_of(matches)))
    return copy


def _found(node: exp.Expr, facts: Facts) -> tuple[list[Scalar], Correlation] | None:
    """Return the first such subquery, and those over the very same rows with it."""
    if not node.args.get("from_") or not can_join_more(node, groups=True):
        return None
    clauses = ("expressions", "where") if can_join_more(node) else ("where",)
    scalars: list[Scalar] = []
    found: Correlation | None = None
    for place in node.find_all(exp.Subquery):
        scalar = scalar_of(place)
        if scalar is None or nearest_select(place) is not node or not stands_in(place, node, *clauses):
            continue
        if scalars and not _is_alike(scalar, scalars[0]):
            continue
        tied = correlation_of(scalar.select, facts)
        if tied is None or not tied.pairs or not is_safe(scalar.select) or _is_distinct(scalar):
            continue
        if not all_decided(scalar.aggregate, facts):
            continue
        owners = [facts.owner(outer) for _, outer in tied.pairs]
        if all(owner is not None and owner[0] is node for owner in owners):
            scalars.append(scalar)
            found = found or tied
    return (scalars, found) if found is not None else None


def _is_alike(first: Scalar, second: Scalar) -> bool:
    """Tell whether two subqueries read the very same rows."""
    return all(
        first.select.args.get(key) == second.select.args.get(key) for key in ("from_", "joins", "where")
    )


def _is_distinct(scalar: Scalar) -> bool:
    return scalar.aggregate.find(exp.Distinct) is not None
