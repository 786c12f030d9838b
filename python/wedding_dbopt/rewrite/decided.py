"""Which aggregates have one value whatever order their rows come in.

A rule that lets an aggregate read its rows in another order must not change its last bits: sums of floating numbers
depend on the order, and the least of equal values that are written differently is the one that came first.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import BIGINT, INTEGER, NUMERIC, SMALLINT, Facts, is_identical

EXACT = (SMALLINT, INTEGER, BIGINT, NUMERIC)
#: What keeps exact numbers exact; a cast may make a floating one.
_ARITHMETIC = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg,
    exp.Coalesce, exp.Case, exp.If, exp.And, exp.Or, exp.Not, exp.Predicate, exp.Distinct, exp.Parameter,
)  # fmt: skip


def is_decided(aggregate: exp.Expr, facts: Facts) -> bool:
    """Tell whether an aggregate of table columns does not depend on the order of its rows."""
    if isinstance(aggregate, (exp.Count, exp.LogicalAnd, exp.LogicalOr)):
        return True
    if isinstance(aggregate, (exp.Min, exp.Max)):
        fact = facts.column(aggregate.this)
        return fact is not None and is_identical(fact.column)
    if not isinstance(aggregate, (exp.Sum, exp.Avg)):
        return isinstance(aggregate.parent, exp.Window)  # rank(), lag(): the window's own order says which
    return all(_is_exact(node, facts) for node in aggregate.this.walk())


def all_decided(query: exp.Expr, facts: Facts) -> bool:
    """Tell whether every aggregate in a part of a statement is_decided()."""
    return all(is_decided(aggregate, facts) for aggregate in query.find_all(exp.AggFunc))


def _is_exact(node: exp.Expr, facts: Facts) -> bool:
    if isinstance(node, exp.Column):
        fact = facts.column(node)
        compared = isinstance(node.parent, exp.Predicate)
        return fact is not None and (compared or fact.column.type_oid in EXACT)
    return isinstance(node, _ARITHMETIC)
