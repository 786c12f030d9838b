"""Add the range of a month to `extract(year from ts) = y AND extract(month from ts) = m`, and keep both tests.

Why: An index on ts serves the range; it cannot serve the functions of ts.
Sound when: ts is a timestamp without time zone or a date, year and month are integer constants of one month, and
both tests are joined by AND: the month then holds every row that passes them.
"""

from __future__ import annotations

import datetime

from sqlglot import exp

from wedding_dbopt.rewrite.constants import LAST_YEAR, Range, bounds_on, comparison, integer_of
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, Facts
from wedding_dbopt.rewrite.implied import is_widened, widened
from wedding_dbopt.rewrite.periods import next_unit
from wedding_dbopt.rewrite.positions import conjuncts, decides_rows

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the range is not there yet, else None."""
    month = _month(node) if decides_rows(node) else None
    fact = facts.column(month.operand) if month is not None else None
    if month is None or fact is None or fact.column.type_oid not in (DATE, TIMESTAMP):
        return None
    return None if is_widened(node, bounds_on(month.operand, month)) else ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range and the test of the month."""
    month = _month(node)
    assert month is not None
    return widened(node, bounds_on(month.operand, month))


def _month(node: exp.Expr) -> Range | None:
    found = _part(node, "MONTH")
    if found is None or not 1 <= found[1] <= 12:
        return None
    for other in conjuncts(node):
        year = _part(other.unnest(), "YEAR")
        if year is not None and year[0] == found[0] and 1 <= year[1] < LAST_YEAR:
            first = datetime.date(year[1], found[1], 1)
            return Range(found[0], first, next_unit(first, "MONTH"))
    return None


def _part(node: exp.Expr, part: str) -> tuple[exp.Expr, int] | None:
    compared = comparison(node) if isinstance(node, exp.EQ) else None
    if compared is None or not isinstance(compared.operand, exp.Extract):
        return None
    value = integer_of(compared.constant)
    is_part = compared.operand.this.name.upper() == part
    return (compared.operand.args["expression"], value) if is_part and value is not None else None
