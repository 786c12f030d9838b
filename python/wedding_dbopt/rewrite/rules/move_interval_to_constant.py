"""Turn `ts + interval '30 days' > x` into `ts > x - interval '30 days'`.

Why: An index on ts serves the comparison of the column itself.
Sound when: ts is a timestamp without time zone or a date and x such a constant or parameter, and the interval has
days and hours only: adding months cannot be undone. With time zones a day has 23 to 25 hours: there the range is two
days wider and the comparison stays, unless the interval is of hours alone.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import ORDERINGS, is_cast_to
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.implied import is_widened, widened
from wedding_dbopt.rewrite.intervals import (
    is_local_moment,
    is_now,
    is_parameter,
    seconds_interval,
    span_of_interval,
)
from wedding_dbopt.rewrite.positions import decides_rows, in_filter

NODE: tuple[type[exp.Expr], ...] = tuple(kind for kind in ORDERINGS if kind is not exp.EQ)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
TWO_DAYS = 2 * 86400
FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _moved(node, facts)
    if found is None or not (in_filter(node) if found[1] else decides_rows(node)):
        return None
    return None if not found[1] and is_widened(node, [found[0]]) else ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the comparison of the column, and where it is only implied the old one too."""
    found = _moved(node, facts)
    assert found is not None
    return found[0] if found[1] else widened(node, [found[0]])


def _moved(node: exp.Expr, facts: Facts) -> tuple[exp.Expr, bool] | None:
    """Return the comparison of the column, and whether it is equal to the node or only implied."""
    left, right, operator = node.this.unnest(), node.expression.unnest(), type(node)
    if not isinstance(left, (exp.Add, exp.Sub)):
        left, right, operator = right, left, FLIPPED[operator]
    span = span_of_interval(left.expression.unnest()) if type(left) in (exp.Add, exp.Sub) else None
    fact = facts.column(left.this.unnest()) if span is not None else None
    if span is None or fact is None:
        return None
    kind = fact.column.type_oid
    if kind in (DATE, TIMESTAMP) and not is_now(right):
        moment, exact = _local(right), True
    elif kind in (TIMESTAMP, TIMESTAMPTZ) and is_now(right):
        moment, exact = right.copy(), kind == TIMESTAMPTZ and span.days == 0
        if kind == TIMESTAMP:
            moment = exp.Cast(this=moment, to=exp.DataType.build("timestamp"))
    else:
        return None
    if moment is None:
        return None
    seconds = -span.total if isinstance(left, exp.Add) else span.total
    if exact:
        by = left.expression.copy()
        moved: exp.Expr = (exp.Sub if isinstance(left, exp.Add) else exp.Add)(this=moment, expression=by)
    else:
        seconds += -TWO_DAYS if operator in (exp.GT, exp.GTE) else TWO_DAYS
        sign = exp.Sub if seconds < 0 else exp.Add
        moved = sign(this=moment, expression=seconds_interval(abs(seconds)))
    return operator(this=left.this.unnest().copy(), expression=moved), exact


def _local(node: exp.Expr) -> exp.Expr | None:
    """Return a constant or parameter as a timestamp; a bare one has the type of what it is compared with."""
    if is_local_moment(node) and not isinstance(node, exp.Cast):
        return exp.Cast(this=node.copy(), to=exp.DataType.build("timestamp"))
    if is_parameter(node):
        return exp.Cast(this=node.copy(), to=exp.DataType.build("timestamp"))
    if is_local_moment(node) or (
        is_cast_to(node, exp.DType.TIMESTAMP, exp.DType.DATE) and is_parameter(node.this)
    ):
        return node.copy()
    return None
