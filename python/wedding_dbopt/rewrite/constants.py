"""Constants in comparisons: days, integers and texts that mean the same in every session."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from sqlglot import exp

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?: 00:00(?::00)?)?", re.ASCII)
_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
ORDERINGS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
COMPARISONS = (*ORDERINGS, exp.NEQ)
LAST_YEAR = 9998


@dataclass(frozen=True)
class Comparison:
    """`operand operator constant`; `constant` is a literal, perhaps in a cast."""

    operand: exp.Expr
    operator: type[exp.Expr]
    constant: exp.Expr


@dataclass(frozen=True)
class Range:
    """`first <= operand < after`; None where a side is open."""

    operand: exp.Expr
    first: datetime.date | None
    after: datetime.date | None


def comparison(node: exp.Expr) -> Comparison | None:
    """Return the comparison of an expression with a constant, the constant on either side."""
    if type(node) not in _FLIPPED:
        return None
    left, right = node.this.unnest(), node.args["expression"].unnest()
    if _is_constant(right) and not _is_constant(left):
        return Comparison(left, type(node), right)
    if _is_constant(left) and not _is_constant(right):
        return Comparison(right, _FLIPPED[type(node)], left)
    return None


def _is_constant(node: exp.Expr) -> bool:
    return isinstance(node.this if isinstance(node, exp.Cast) else node, (exp.Literal, exp.Boolean))


def text_of(node: exp.Expr) -> str | None:
    """Return the value of a plain string constant without a type."""
    return str(node.this) if isinstance(node, exp.Literal) and node.is_string else None


def integer_of(node: exp.Expr) -> int | None:
    """Return the value of a plain integer constant."""
    if isinstance(node, exp.Literal) and not node.is_string and re.fullmatch(r"[0-9]{1,18}", node.this):
        return int(node.this)
    return None


def day_of(node: exp.Expr, *types: exp.DType) -> datetime.date | None:
    """Return the day that a constant means in every DateStyle, or None.

    It is an ISO string without a type, or cast to one of `types`; a time of midnight may follow the day only
    where TIMESTAMP is among the types.
    """
    if isinstance(node, exp.Cast):
        if not any(_is_plain_type(node.args["to"], kind) for kind in types):
            return None
        node = node.this
    found = _DAY.fullmatch(text_of(node) or "")
    if found is None or (len(found.group()) > 10 and exp.DType.TIMESTAMP not in types):
        return None
    try:
        day = datetime.date(*map(int, found.groups()))
    except ValueError:
        return None
    return day if day.year <= LAST_YEAR else None


def _is_plain_type(node: exp.Expr, kind: exp.DType) -> bool:
    return isinstance(node, exp.DataType) and node.this == kind and not node.expressions


def is_cast_to(node: exp.Expr, *types: exp.DType) -> bool:
    """Tell whether `node` is a cast to one of `types` without a length."""
    return type(node) is exp.Cast and any(_is_plain_type(node.args["to"], kind) for kind in types)


def days_named(node: exp.Expr) -> Range | None:
    """Return the whole days that a comparison of a date, or a BETWEEN of dates, names."""
    if isinstance(node, exp.Between):
        first = day_of(node.args["low"], exp.DType.DATE)
        last = day_of(node.args["high"], exp.DType.DATE)
        if first is None or last is None or node.args.get("symmetric"):
            return None
        return Range(node.this.unnest(), first, last + datetime.timedelta(days=1))
    compared = comparison(node)
    day = day_of(compared.constant, exp.DType.DATE) if compared else None
    if compared is None or day is None:
        return None
    return range_of(compared, day, day + datetime.timedelta(days=1))


def range_of(compared: Comparison, first: datetime.date, after: datetime.date) -> Range | None:
    """Return the range of a comparison with a period that begins at `first` and ends before `after`."""
    bounds: dict[type[exp.Expr], tuple[datetime.date | None, datetime.date | None]] = {
        exp.EQ: (first, after),
        exp.LT: (None, first),
        exp.LTE: (None, after),
        exp.GT: (after, None),
        exp.GTE: (first, None),
    }
    found = bounds.get(compared.operator)
    return Range(compared.operand, *found) if found else None


def bounds_on(column: exp.Expr, days: Range, suffix: str = "") -> list[exp.Expr]:
    """Return the conditions `column >= first` and `column < after`, each day written with `suffix`."""
    conditions: list[exp.Expr] = []
    if days.first is not None:
        first = exp.Literal.string(f"{days.first.isoformat()}{suffix}")
        conditions.append(exp.GTE(this=column.copy(), expression=first))
    if days.after is not None:
        after = exp.Literal.string(f"{days.after.isoformat()}{suffix}")
        conditions.append(exp.LT(this=column.copy(), expression=after))
    return conditions


def joined(conditions: list[exp.Expr]) -> exp.Expr:
    """Return the conditions joined by AND, in parentheses if there are several."""
    whole = conditions[0]
    for condition in conditions[1:]:
        whole = exp.And(this=whole, expression=condition)
    return whole if len(conditions) == 1 else exp.Paren(this=whole)
