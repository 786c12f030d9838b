"""Add a range of `ts` to `date(ts) = $1`, and keep the comparison.

Why: An index on ts serves the range; it cannot serve the function of ts.
Sound when: ts is a timestamp without time zone and the parameter a date, which it keeps being: whatever day it is,
also an infinite or the last one, the timestamps of that day lie between it and the next.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import is_cast_to
from wedding_dbopt.rewrite.facts import TIMESTAMP, Facts
from wedding_dbopt.rewrite.implied import is_widened, widened
from wedding_dbopt.rewrite.intervals import is_parameter
from wedding_dbopt.rewrite.periods import dated
from wedding_dbopt.rewrite.positions import decides_rows
from wedding_dbopt.rewrite.templates import condition

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the range is not there yet, else None."""
    found = _parts(node) if decides_rows(node) else None
    fact = facts.column(found[0]) if found is not None else None
    if found is None or fact is None or fact.column.type_oid != TIMESTAMP:
        return None
    return None if is_widened(node, _bounds(*found)) else ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range and the comparison."""
    found = _parts(node)
    assert found is not None
    return widened(node, _bounds(*found))


def _bounds(column: exp.Expr, day: exp.Expr) -> list[exp.Expr]:
    first = condition("_c_ >= _d_", c=column, d=day)
    last = condition(
        "_c_ <= CASE WHEN _d_ < CAST('5874897-12-31' AS DATE) THEN _d_ + 1 ELSE CAST('infinity' AS DATE) END",
        c=column,
        d=day,
    )
    return [first, last]


def _parts(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """Return the column and the parameter as a date."""
    for left, right in ((node.this, node.expression), (node.expression, node.this)):
        column, day = dated(left.unnest()), right.unnest()
        if is_cast_to(day, exp.DType.DATE) and is_parameter(day.this):
            day = day.this.unnest()
        if column is not None and is_parameter(day):
            return column, exp.Cast(this=day.copy(), to=exp.DataType.build("date"))
    return None
