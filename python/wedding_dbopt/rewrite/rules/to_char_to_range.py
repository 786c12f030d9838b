"""Add a range of `ts` to `to_char(ts, format) = constant`, and keep the comparison.

Why: An index on ts serves the range; it cannot serve the function of ts.
Sound when: the format writes year, month and day in a fixed width and the constant is such a text of a year from 2
to 9997; days before Christ print the same digits, so they are let through to the comparison. A timestamp with time
zone gets a range a day wider on both sides.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import bounds_on, comparison, joined
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.implied import around_utc, is_widened, widened
from wedding_dbopt.rewrite.periods import Period, period_of
from wedding_dbopt.rewrite.positions import decides_rows
from wedding_dbopt.rewrite.templates import condition

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the range is not there yet, else None."""
    period = _period(node) if decides_rows(node) else None
    fact = facts.column(period.operand) if period is not None else None
    if period is None or fact is None or fact.column.type_oid not in (DATE, TIMESTAMP, TIMESTAMPTZ):
        return None
    return None if is_widened(node, [_range(period, facts)]) else ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range and the comparison."""
    period = _period(node)
    assert period is not None
    return widened(node, [_range(period, facts)])


def _period(node: exp.Expr) -> Period | None:
    compared = comparison(node)
    return period_of(node) if compared is not None and isinstance(compared.operand, exp.TimeToStr) else None


def _range(period: Period, facts: Facts) -> exp.Expr:
    fact = facts.column(period.operand)
    assert fact is not None
    if fact.column.type_oid == TIMESTAMPTZ:
        bounds, era = around_utc(period.operand, period.days), "0001-01-03 00:00:00+00"
    else:
        bounds, era = bounds_on(period.operand, period.days), "0001-01-01"
    early = condition("_c_ < _e_", c=period.operand, e=exp.Literal.string(era))
    return exp.Paren(this=exp.Or(this=joined(bounds), expression=early))
