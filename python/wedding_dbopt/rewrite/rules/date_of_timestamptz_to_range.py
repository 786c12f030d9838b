"""Add a wide range of `ts` to a test of its local day, month or year, and keep the test.

Why: An index on ts, or the pruning of partitions by ts, serves the range; the test is left to decide on the few
rows inside it.
Sound when: ts is a timestamp with time zone, taken in the session's zone or a named one, the constant is an ISO
day or its month or year, and the zone is at most a day from UTC, as every named zone is: the test then implies
the range one day wider on both sides. The plain range would be wrong where clocks fall back over midnight.
"""

from __future__ import annotations

import datetime
import re

from sqlglot import exp

from wedding_dbopt.rewrite.constants import ORDERINGS, comparison, day_of, range_of, text_of
from wedding_dbopt.rewrite.facts import TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.implied import DAY, around_utc, is_widened, widened
from wedding_dbopt.rewrite.periods import Period, period_of
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = (*ORDERINGS, exp.Between)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
ZONE = re.compile(
    r"(UTC|GMT|(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/[A-Za-z_/-]+)"
)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the range is not there yet, else None."""
    period = _period(node)
    if period is None or not in_filter(node) or period.before_christ:
        return None
    fact = facts.column(_column(period.operand))
    if fact is None or fact.column.type_oid != TIMESTAMPTZ or _is_early(period):
        return None
    return None if is_widened(node, _bounds(period)) else ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range and the comparison."""
    period = _period(node)
    assert period is not None
    return widened(node, _bounds(period))


def _period(node: exp.Expr) -> Period | None:
    found = period_of(node)
    compared = comparison(node) if found is None else None
    if compared is None or not isinstance(compared.operand, exp.AtTimeZone):
        return found
    moment = compared.constant
    day = day_of(moment, exp.DType.DATE, exp.DType.TIMESTAMP) or _day_in_moment(moment)
    days = range_of(compared, day, day + DAY) if day is not None else None
    if days is None or day is None:
        return None
    wide = range_of(type(compared)(compared.operand, _reflexive(compared.operator), moment), day, day + DAY)
    return None if wide is None else Period(wide, False)


def _reflexive(operator: type[exp.Expr]) -> type[exp.Expr]:
    """Return the operator that also lets the whole day of its constant pass."""
    wider: dict[type[exp.Expr], type[exp.Expr]] = {exp.LT: exp.LTE, exp.GT: exp.GTE}
    return wider.get(operator, operator)


def _day_in_moment(node: exp.Expr) -> datetime.date | None:
    inner = node.this if isinstance(node, exp.Cast) else node
    found = re.fullmatch(
        r"(\d{4}-\d{2}-\d{2}) \d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", text_of(inner) or "", re.ASCII
    )
    return day_of(exp.Literal.string(found.group(1))) if found is not None else None


def _column(operand: exp.Expr) -> exp.Expr:
    """Return the column whose local time the operand is."""
    if isinstance(operand, exp.AtTimeZone) and ZONE.fullmatch(text_of(operand.args["zone"]) or ""):
        inner: exp.Expr = operand.this
        return inner
    return operand


def _bounds(period: Period) -> list[exp.Expr]:
    return around_utc(_column(period.operand), period.days)


def _is_early(period: Period) -> bool:
    return any(day is not None and day.year < 2 for day in (period.days.first, period.days.after))
