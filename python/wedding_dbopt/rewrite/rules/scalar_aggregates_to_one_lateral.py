"""Compute several scalar subqueries over the same rows in one, joined by LATERAL.

Why: Each subquery reads the same rows again; one pass computes all their aggregates.
Sound when: the subqueries have the same FROM, aggregate without groups (so that there is always one row) and without
side effects; conditions that only some of them have become the FILTER of their aggregate.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.correlated import Scalar, is_safe, scalar_of
from wedding_dbopt.rewrite.decided import all_decided
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.joining import (
    can_join_more,
    column,
    derived,
    lateral,
    nearest_select,
    replace_value,
    stands_in,
    with_source,
)
from wedding_dbopt.rewrite.scope import columns_of, conditions_of, fresh_names, inner_sources, reads
from wedding_dbopt.rewrite.templates import all_of, with_where

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "always"
LEVEL = "aggressive"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    return () if _group(node, facts) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT with the one subquery."""
    scalars = _group(node, facts)
    shared = [part for part in conditions_of(scalars[0].select) if _in_all(part, scalars)]
    computed: list[exp.Expr] = []
    for scalar in scalars:
        value = _filtered(scalar, shared)
        if value not in computed:
            computed.append(value)
    name, *names = fresh_names(node, 1 + len(computed))
    one = with_where(scalars[0].select, shared)
    items = [exp.Alias(this=value, alias=exp.to_identifier(as_)) for value, as_ in zip(computed, names)]
    one.set("expressions", items)
    copy = node.copy()
    for scalar in scalars:
        as_ = names[computed.index(_filtered(scalar, shared))]
        replace_value(copy, scalar.place, column(name, as_), scalar.name)
    if copy.args.get("from_") is None:
        copy.set("from_", exp.From(this=derived(one, name)))
    else:
        with_source(copy, lateral(one, name))
    return copy


def _group(node: exp.Expr, facts: Facts) -> list[Scalar]:
    """Return the largest group of subqueries over the same sources, if there are two."""
    if not can_join_more(node):
        return []
    clauses = ("expressions", "where") if node.args.get("from_") else ("expressions",)
    groups: dict[tuple[object, ...], list[Scalar]] = {}
    for place in node.find_all(exp.Subquery):
        scalar = scalar_of(place)
        if scalar is None or nearest_select(place) is not node or not stands_in(place, node, *clauses):
            continue
        decided = all_decided(scalar.aggregate, facts)
        if decided and _aggregates_its_own_rows(scalar, facts) and is_safe(scalar.select):
            joins = tuple(scalar.select.args.get("joins") or ())
            groups.setdefault((scalar.select.args["from_"], joins), []).append(scalar)
    largest = max(groups.values(), key=len, default=[])
    return largest if len(largest) > 1 else []


def _aggregates_its_own_rows(scalar: Scalar, facts: Facts) -> bool:
    """Tell whether the aggregate and every condition read the subquery's own sources.

    An aggregate, with its FILTER, that reads columns of the outside alone would belong to the query outside.
    """
    sources = inner_sources(scalar.select)
    if sources is None or not all(reads(test, facts, sources) for test in conditions_of(scalar.select)):
        return False
    return not columns_of(scalar.aggregate) or reads(scalar.aggregate, facts, sources) is True


def _in_all(condition: exp.Expr, scalars: list[Scalar]) -> bool:
    return all(condition in conditions_of(scalar.select) for scalar in scalars)


def _filtered(scalar: Scalar, shared: list[exp.Expr]) -> exp.Expr:
    rest = [part for part in conditions_of(scalar.select) if part not in shared]
    test = all_of(rest)
    holder = exp.Paren(this=scalar.aggregate.copy())
    for aggregate in list(holder.find_all(exp.AggFunc)):
        if test is not None:
            aggregate.replace(exp.Filter(this=aggregate.copy(), expression=exp.Where(this=test.copy())))
    value: exp.Expr = holder.this
    value.pop()
    return value
