"""Turn `ts::date >= current_date - 7` into a comparison of `ts` with that day, and `=` into a half-open range.

Why: An index on ts serves the comparison; it cannot serve the function of ts.
Sound when: the day is current_date, perhaps with a number of days added or taken away. For a timestamp without time
zone, or a date, the range is exact; with time zone it is a day wider on both sides and the comparison stays, because
an ambiguous midnight may lie on either side.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import ORDERINGS, integer_of, joined
from wedding_dbopt.rewrite.facts import DATE, TIMESTAMP, TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.implied import is_widened, widened
from wedding_dbopt.rewrite.periods import dated
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = ORDERINGS
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
FARTHEST = 100_000
FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the range is not there yet, else None."""
    found = _parts(node) if in_filter(node) else None
    fact = facts.column(found[0]) if found is not None else None
    if fact is None or fact.column.type_oid not in (DATE, TIMESTAMP, TIMESTAMPTZ):
        return None
    if fact.column.type_oid == TIMESTAMPTZ and is_widened(node, _bounds(node, 1)):
        return None
    return ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range, and with time zone the comparison too."""
    found = _parts(node)
    assert found is not None
    fact = facts.column(found[0])
    assert fact is not None
    if fact.column.type_oid == TIMESTAMPTZ:
        return widened(node, _bounds(node, 1))
    return joined(_bounds(node, 0))


def _bounds(node: exp.Expr, margin: int) -> list[exp.Expr]:
    found = _parts(node)
    assert found is not None
    column, operator, today, days = found
    first = _shifted(today, days - margin)
    after = _shifted(today, days + 1 + margin)
    lower: exp.Expr = exp.GTE(this=column.copy(), expression=first)
    upper: exp.Expr = exp.LT(this=column.copy(), expression=after)
    if operator is exp.GT:
        return [exp.GTE(this=column.copy(), expression=_shifted(today, days + 1 - margin))]
    if operator is exp.LT:
        return [exp.LT(this=column.copy(), expression=_shifted(today, days + margin))]
    return [lower] if operator is exp.GTE else [upper] if operator is exp.LTE else [lower, upper]


def _shifted(today: exp.Expr, days: int) -> exp.Expr:
    if days == 0:
        return today.copy()
    kind = exp.Add if days > 0 else exp.Sub
    return kind(this=today.copy(), expression=exp.Literal.number(abs(days)))


def _parts(node: exp.Expr) -> tuple[exp.Expr, type[exp.Expr], exp.Expr, int] | None:
    """Return the column, the operator, current_date and the days added to it."""
    if type(node) not in FLIPPED:
        return None
    for left, right, operator in (
        (node.this.unnest(), node.expression.unnest(), type(node)),
        (node.expression.unnest(), node.this.unnest(), FLIPPED[type(node)]),
    ):
        column, day = dated(left), _today(right)
        if column is not None and isinstance(column, exp.Column) and day is not None:
            return column, operator, day[0], day[1]
    return None


def _today(node: exp.Expr) -> tuple[exp.Expr, int] | None:
    if type(node) in (exp.Add, exp.Sub):
        days, inner = integer_of(node.expression.unnest()), node.this.unnest()
        if days is None or days > FARTHEST or type(inner) is not exp.CurrentDate or inner.this:
            return None
        return inner, days if isinstance(node, exp.Add) else -days
    return (node, 0) if type(node) is exp.CurrentDate and not node.this else None
