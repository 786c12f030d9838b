"""Turn a comparison of `date(ts)` or `ts::date` with a day into a half-open range of `ts`.

Why: An index on ts serves the range; it cannot serve the function of ts.
Sound when: ts is a timestamp without time zone or a date, and the day is an ISO constant up to year 9998;
infinite timestamps lie outside every finite day on both sides.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import bounds_on, days_named, joined
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, Facts
from wedding_dbopt.rewrite.periods import Period, dated, period_of
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    days = _days(node)
    fact = facts.column(days.operand) if days is not None and in_filter(node) else None
    return () if fact is not None and fact.column.type_oid in (DATE, TIMESTAMP) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range."""
    days = _days(node)
    assert days is not None
    return joined(bounds_on(days.operand, days.days))


def _days(node: exp.Expr) -> Period | None:
    days = days_named(node)
    return period_of(node) if days is not None and dated(days.operand) is not None else None
