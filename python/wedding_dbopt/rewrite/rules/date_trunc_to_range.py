"""Turn a comparison of `date_trunc(unit, ts)` with the first moment of a unit into a half-open range of `ts`.

Why: An index on ts serves the range; it cannot serve the function of ts.
Sound when: ts is a timestamp without time zone and the constant is itself the first day of a year, quarter,
month or week, or any day: a constant inside the unit is never reached.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import ORDERINGS, bounds_on, comparison, joined
from wedding_dbopt.rewrite.facts import TIMESTAMP, Facts
from wedding_dbopt.rewrite.periods import Period, period_of
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = ORDERINGS
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    span = _span(node)
    fact = facts.column(span.operand) if span is not None and in_filter(node) else None
    return () if fact is not None and fact.column.type_oid == TIMESTAMP else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range."""
    span = _span(node)
    assert span is not None
    return joined(bounds_on(span.operand, span.days))


def _span(node: exp.Expr) -> Period | None:
    compared = comparison(node)
    if compared is None or not isinstance(compared.operand, exp.TimestampTrunc):
        return None
    found = period_of(node)
    return found if found is not None and found.exact else None
