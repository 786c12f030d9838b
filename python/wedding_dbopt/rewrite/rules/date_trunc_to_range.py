"""Turn a comparison of `date_trunc(unit, ts)` with the first moment of a unit into a half-open range of `ts`.

Why: An index on ts serves the range; it cannot serve the function of ts.
Sound when: ts is a timestamp without time zone and the constant is itself the first day of a year, quarter,
month or week, or any day: a constant inside the unit is never reached.
"""

from __future__ import annotations

import datetime

from sqlglot import exp

from wedding_dbopt.rewrite.constants import (
    ORDERINGS,
    Range,
    bounds_on,
    comparison,
    day_of,
    joined,
    range_of,
)
from wedding_dbopt.rewrite.facts import TIMESTAMP, Facts
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = ORDERINGS
PROOF = "always"
LEVEL = "conservative"
MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
DAYS = {"WEEK": 7, "DAY": 1}


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    span = _span(node)
    fact = facts.column(span.operand) if span is not None and in_filter(node) else None
    return () if fact is not None and fact.column.type_oid == TIMESTAMP else None


def transform(node: exp.Expr) -> exp.Expr:
    """Return the range."""
    span = _span(node)
    assert span is not None
    return joined(bounds_on(span.operand, span))


def _span(node: exp.Expr) -> Range | None:
    compared = comparison(node)
    if compared is None or not isinstance(compared.operand, exp.TimestampTrunc):
        return None
    call = compared.operand
    day = day_of(compared.constant, exp.DType.DATE, exp.DType.TIMESTAMP)
    after = _after(day, call.args["unit"].name.upper()) if day is not None else None
    if day is None or after is None or call.args.get("zone"):
        return None
    found = range_of(compared, day, after)
    return Range(call.this, found.first, found.after) if found is not None else None


def _after(day: datetime.date, unit: str) -> datetime.date | None:
    """Return the first day of the next unit if `day` is the first of one."""
    if unit in DAYS:
        is_first = unit == "DAY" or day.weekday() == 0
        return day + datetime.timedelta(days=DAYS[unit]) if is_first else None
    if unit not in MONTHS or day.day != 1 or (day.month - 1) % MONTHS[unit]:
        return None
    months = day.year * 12 + day.month - 1 + MONTHS[unit]
    return datetime.date(months // 12, months % 12 + 1, 1)
