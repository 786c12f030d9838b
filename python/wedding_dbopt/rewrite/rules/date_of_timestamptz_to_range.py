"""Add a wide range of `ts` to a comparison of `ts::date` with a day, and keep the comparison.

Why: An index on ts serves the range; the comparison is left to test the few rows inside it.
Sound when: ts is a timestamp with time zone, the day is an ISO constant, and the session's zone is at most a
day from UTC, as every named zone is: the comparison then implies the range one day wider on both sides. The
plain range would be wrong where clocks fall back over midnight.
"""

from __future__ import annotations

import datetime

from sqlglot import exp

from wedding_dbopt.rewrite.constants import Range, bounds_on, days_named, joined
from wedding_dbopt.rewrite.facts import TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.positions import conjuncts, in_filter
from wedding_dbopt.rewrite.rules.date_of_timestamp_to_range import is_date_of_column

NODE: tuple[type[exp.Expr], ...] = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)
PROOF = "always"
LEVEL = "conservative"
DAY = datetime.timedelta(days=1)
MIDNIGHT_UTC = " 00:00:00+00"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the range is not there yet, else None."""
    days = _wide(node)
    fact = facts.column(days.operand.this) if days is not None and in_filter(node) else None
    if days is None or fact is None or fact.column.type_oid != TIMESTAMPTZ:
        return None
    present = conjuncts(node)
    return None if all(bound in present for bound in _bounds(days)) else ()


def transform(node: exp.Expr) -> exp.Expr:
    """Return the range and the comparison."""
    days = _wide(node)
    assert days is not None
    return joined([*_bounds(days), node.copy()])


def _bounds(days: Range) -> list[exp.Expr]:
    return bounds_on(days.operand.this, days, MIDNIGHT_UTC)


def _wide(node: exp.Expr) -> Range | None:
    days = days_named(node)
    if days is None or not is_date_of_column(days.operand):
        return None
    early = any(day is not None and day.year < 2 for day in (days.first, days.after))
    if early:
        return None
    return Range(days.operand, days.first and days.first - DAY, days.after and days.after + DAY)
