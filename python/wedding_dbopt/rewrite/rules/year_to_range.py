"""Turn a comparison of `extract(year from ts)` with a year into a half-open range of `ts`.

Why: An index on ts serves the range; it cannot serve the function of ts.
Sound when: ts is a timestamp without time zone or a date, and the year an integer constant from 1 to 9997;
infinite timestamps have an infinite year, so both sides agree on them.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import ORDERINGS, bounds_on, comparison, joined
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, Facts
from wedding_dbopt.rewrite.periods import Period, period_of
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = ORDERINGS
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    years = _years(node)
    fact = facts.column(years.operand) if years is not None and in_filter(node) else None
    return () if fact is not None and fact.column.type_oid in (DATE, TIMESTAMP) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range."""
    years = _years(node)
    assert years is not None
    return joined(bounds_on(years.operand, years.days))


def _years(node: exp.Expr) -> Period | None:
    compared = comparison(node)
    if compared is None or not isinstance(compared.operand, exp.Extract):
        return None
    return period_of(node)
