"""Add the range from the first to the last to `ts::date IN (...)`, and for years and BETWEEN of years, and keep the test.

Why: An index on ts serves the range; it cannot serve the function of ts.
Sound when: the list holds ISO days, or years from 2 to 9997, and the column is a date or a timestamp; one with time
zone gets a range a day wider on both sides.
"""

from __future__ import annotations

import datetime

from sqlglot import exp

from wedding_dbopt.rewrite.constants import LAST_YEAR, Range, bounds_on, day_of, integer_of
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.implied import DAY, around_utc, is_widened, widened
from wedding_dbopt.rewrite.periods import dated
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = (exp.In, exp.Between)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the range is not there yet, else None."""
    bounds = _bounds(node, facts) if in_filter(node) else None
    return () if bounds is not None and not is_widened(node, bounds) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range and the test."""
    bounds = _bounds(node, facts)
    assert bounds is not None
    return widened(node, bounds)


def _bounds(node: exp.Expr, facts: Facts) -> list[exp.Expr] | None:
    days = _days(node) or _years(node)
    fact = facts.column(days.operand) if days is not None else None
    if days is None or fact is None:
        return None
    if fact.column.type_oid == TIMESTAMPTZ:
        return around_utc(days.operand, days)
    return bounds_on(days.operand, days) if fact.column.type_oid in (DATE, TIMESTAMP) else None


def _days(node: exp.Expr) -> Range | None:
    inner = dated(node.this.unnest())
    if inner is None or not isinstance(node, exp.In) or not node.expressions:
        return None
    found = [day_of(item, exp.DType.DATE) for item in node.expressions]
    known = [day for day in found if day is not None and day.year > 1]
    return Range(inner, min(known), max(known) + DAY) if len(known) == len(found) else None


def _years(node: exp.Expr) -> Range | None:
    call = node.this.unnest()
    if not isinstance(call, exp.Extract) or call.this.name.upper() != "YEAR" or node.args.get("symmetric"):
        return None
    items = [node.args["low"], node.args["high"]] if isinstance(node, exp.Between) else node.expressions
    found = [integer_of(item) for item in items]
    known = [year for year in found if year is not None and 1 < year < LAST_YEAR]
    if not known or len(known) < len(found) or (isinstance(node, exp.Between) and known[0] > known[1]):
        return None
    first, after = datetime.date(min(known), 1, 1), datetime.date(max(known) + 1, 1, 1)
    return Range(call.expression.unnest(), first, after)
