"""Comparisons of a part of a point in time (its day, month or year) with a constant, read as a range of days."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.rewrite.constants import (
    LAST_YEAR,
    Comparison,
    Range,
    comparison,
    day_of,
    days_named,
    integer_of,
    is_cast_to,
    range_of,
    text_of,
)

MONTHS = {"YEAR": 12, "QUARTER": 3, "MONTH": 1}
LENGTHS = {"WEEK": 7, "DAY": 1, "HOUR": 1, "MINUTE": 1, "SECOND": 1}
#: Formats of to_char (as sqlglot writes them) that name a day, a month or a year, and the texts they make.
FORMATS = {
    "%Y": re.compile(r"(\d{4})", re.ASCII),
    "%Y-%m": re.compile(r"(\d{4})-(\d{2})", re.ASCII),
    "%Y/%m": re.compile(r"(\d{4})/(\d{2})", re.ASCII),
    "%Y%m": re.compile(r"(\d{4})(\d{2})", re.ASCII),
    "%Y-%m-%d": re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII),
    "%Y%m%d": re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII),
}


@dataclass(frozen=True)
class Period:
    """`days` hold every point in time that passes the test; `exact` tells that no other one does.

    `before_christ` tells that the test also passes in years before 1, whose digits look alike.
    """

    days: Range
    exact: bool
    before_christ: bool = False

    @property
    def operand(self) -> exp.Expr:
        """Return the expression whose part is compared."""
        return self.days.operand


def period_of(node: exp.Expr) -> Period | None:
    """Return the range of days that a test on a date, date_trunc, extract(year) or to_char names."""
    days = days_named(node)
    inner = dated(days.operand) if days is not None else None
    if days is not None and inner is not None:
        return Period(Range(inner, days.first, days.after), True)
    compared = comparison(node)
    if compared is None:
        return None
    if isinstance(compared.operand, exp.TimestampTrunc):
        return _truncated(compared)
    if isinstance(compared.operand, exp.Extract):
        return _year(compared)
    return _formatted(compared) if isinstance(compared.operand, exp.TimeToStr) else None


def dated(node: exp.Expr) -> exp.Expr | None:
    """Return x of `date(x)` or `x::date`."""
    is_call = isinstance(node, exp.Date) and not node.args.get("zone") and not node.expressions
    found = is_call or is_cast_to(node, exp.DType.DATE)
    return node.this.unnest() if found else None


def _truncated(compared: Comparison) -> Period | None:
    call = compared.operand
    day = day_of(compared.constant, exp.DType.DATE, exp.DType.TIMESTAMP)
    unit = call.args["unit"].name.upper()
    if day is None or call.args.get("zone") or unit not in {**MONTHS, **LENGTHS}:
        return None
    following = next_unit(day, unit)
    after = following or day + datetime.timedelta(days=LENGTHS.get(unit, 31 * MONTHS.get(unit, 0)))
    exact = following is not None and unit in (*MONTHS, "WEEK", "DAY")
    if compared.operator is exp.GT and not exact:
        found: Range | None = Range(call.this, day, None)
    else:
        found = range_of(compared, day, after)
        if found is not None and compared.operator is exp.LT and not exact:
            found = Range(call.this, None, after)
    return None if found is None else Period(Range(call.this.unnest(), found.first, found.after), exact)


def next_unit(day: datetime.date, unit: str) -> datetime.date | None:
    """Return the first day of the next unit if `day` is the first of one."""
    if unit in LENGTHS:
        is_first = unit != "WEEK" or day.weekday() == 0
        return day + datetime.timedelta(days=LENGTHS[unit]) if is_first else None
    if day.day != 1 or (day.month - 1) % MONTHS[unit]:
        return None
    months = day.year * 12 + day.month - 1 + MONTHS[unit]
    return datetime.date(months // 12, months % 12 + 1, 1)


def _year(compared: Comparison) -> Period | None:
    year = integer_of(compared.constant)
    column = compared.operand.args["expression"]
    if compared.operand.this.name.upper() != "YEAR" or year is None or not 1 <= year < LAST_YEAR:
        return None
    found = range_of(compared, datetime.date(year, 1, 1), datetime.date(year + 1, 1, 1))
    return None if found is None else Period(Range(column.unnest(), found.first, found.after), True)


def _formatted(compared: Comparison) -> Period | None:
    call = compared.operand
    pattern = FORMATS.get(text_of(call.args["format"]) or "")
    found = pattern.fullmatch(text_of(compared.constant) or "") if pattern is not None else None
    if found is None or compared.operator is not exp.EQ:
        return None
    numbers = [int(part) for part in found.groups()]
    unit = ("YEAR", "MONTH", "DAY")[len(numbers) - 1]
    try:
        day = datetime.date(*[*numbers, 1, 1][:3])
    except ValueError:
        return None
    after = next_unit(day, unit) if 1 < day.year < LAST_YEAR else None
    return None if after is None else Period(Range(call.this.unnest(), day, after), False, True)
