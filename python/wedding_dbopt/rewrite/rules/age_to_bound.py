"""Turn `now() - ts < interval '7 days'` into `ts > now() - interval '168 hours'`.

Why: An index on ts serves the comparison of the column itself.
Sound when: ts is a timestamp with time zone and the interval a constant without months: the difference of two points
in time counts days of 24 hours, so days of the interval become hours.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.intervals import is_now, seconds_interval, span_of_interval
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = (exp.LT, exp.LTE, exp.GT, exp.GTE)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _parts(node) if in_filter(node) else None
    fact = facts.column(found[0]) if found is not None else None
    return () if fact is not None and fact.column.type_oid == TIMESTAMPTZ else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the comparison of the column with a point in time."""
    found = _parts(node)
    assert found is not None
    column, now, operator, seconds = found
    bound = exp.Sub(this=now.copy(), expression=seconds_interval(seconds))
    return operator(this=column.copy(), expression=bound)


def _parts(node: exp.Expr) -> tuple[exp.Expr, exp.Expr, type[exp.Expr], int] | None:
    """Return column, now(), the operator between column and bound, and the seconds."""
    left, right, operator = node.this.unnest(), node.expression.unnest(), FLIPPED[type(node)]
    if type(right) is exp.Sub:
        left, right, operator = right, left, type(node)
    if type(left) is not exp.Sub or not is_now(left.this.unnest()):
        return None
    span = span_of_interval(right)
    return None if span is None else (left.expression.unnest(), left.this.unnest(), operator, span.total)
