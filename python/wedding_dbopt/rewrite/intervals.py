"""Spans of time written as constants, and points in time that a query names without a column."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.rewrite.constants import day_of, text_of

_PART = re.compile(
    r"\s*([0-9]{1,6})\s*(day|hour|hr|minute|min|second|sec|week)s?\s*", re.IGNORECASE | re.ASCII
)
_SECONDS = {"hour": 3600, "hr": 3600, "minute": 60, "min": 60, "second": 1, "sec": 1}


@dataclass(frozen=True)
class Span:
    """Whole days, which follow the clock, and seconds, which do not."""

    days: int
    seconds: int

    @property
    def total(self) -> int:
        """Return the seconds, a day being 24 hours."""
        return self.days * 86400 + self.seconds


def span_of_interval(node: exp.Expr) -> Span | None:
    """Return the span of an interval constant of days, hours, minutes and seconds; None with months or years."""
    if isinstance(node, exp.Interval):
        unit = node.args.get("unit")
        text = f"{text_of(node.this) or '?'} {unit.name if unit is not None else ''}"
    elif isinstance(node, exp.Cast) and isinstance(node.args["to"], exp.DataType):
        is_interval = node.args["to"].sql(dialect="postgres").upper() == "INTERVAL"
        text = (text_of(node.this) if is_interval else None) or "?"
    else:
        return None
    days = seconds = position = 0
    while position < len(text.rstrip()):
        found = _PART.match(text, position)
        if found is None:
            return None
        count, unit_name = int(found.group(1)), found.group(2).lower()
        days += count * {"day": 1, "week": 7}.get(unit_name, 0)
        seconds += count * _SECONDS.get(unit_name, 0)
        position = found.end()
    return Span(days, seconds) if position and days < 100_000 else None


def seconds_interval(seconds: int) -> exp.Expr:
    """Return an interval constant of so many seconds, in hours where they are whole."""
    amount, unit = (seconds // 3600, "HOURS") if seconds % 3600 == 0 else (seconds, "SECONDS")
    return exp.Interval(this=exp.Literal.string(str(amount)), unit=exp.Var(this=unit))


def is_now(node: exp.Expr) -> bool:
    """Tell whether a node is now() or CURRENT_TIMESTAMP."""
    return type(node) is exp.CurrentTimestamp and not node.this


def is_local_moment(node: exp.Expr) -> bool:
    """Tell whether a node is a constant that is read as a timestamp without time zone beside one."""
    return day_of(node, exp.DType.DATE, exp.DType.TIMESTAMP) is not None


def is_parameter(node: exp.Expr) -> bool:
    """Tell whether a node is `$n`, perhaps in parentheses."""
    return isinstance(node.unnest(), exp.Parameter)
