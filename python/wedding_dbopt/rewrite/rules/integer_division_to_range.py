"""Turn `id / 100 = 7` into `id >= 700 AND id < 800`.

Why: An index on id serves the range; it cannot serve the quotient.
Sound when: id is an integer column, the divisor a positive integer constant, and the quotient not negative, nor zero
where the division's rounding towards zero would matter.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import ORDERINGS, comparison, integer_of, joined
from wedding_dbopt.rewrite.facts import INTEGER_RANGES, Facts
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = ORDERINGS
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
LARGEST = 10**8


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _bounds(node)
    fact = facts.column(found[0]) if found is not None and in_filter(node) else None
    return () if fact is not None and fact.column.type_oid in INTEGER_RANGES else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the range."""
    found = _bounds(node)
    assert found is not None
    column, first, after = found
    conditions: list[exp.Expr] = []
    if first is not None:
        conditions.append(exp.GTE(this=column.copy(), expression=exp.Literal.number(first)))
    if after is not None:
        conditions.append(exp.LT(this=column.copy(), expression=exp.Literal.number(after)))
    return joined(conditions)


def _bounds(node: exp.Expr) -> tuple[exp.Expr, int | None, int | None] | None:
    compared = comparison(node)
    if compared is None or type(compared.operand) is not exp.Div:
        return None
    quotient, divisor = integer_of(compared.constant), integer_of(compared.operand.expression)
    if quotient is None or divisor is None or not 0 < divisor < LARGEST or quotient > LARGEST:
        return None
    first, after = quotient * divisor, (quotient + 1) * divisor
    column = compared.operand.this
    if quotient == 0 and compared.operator in (exp.EQ, exp.LT, exp.GTE):
        return None
    bounds: dict[type[exp.Expr], tuple[int | None, int | None]] = {
        exp.EQ: (first, after),
        exp.LT: (None, first),
        exp.LTE: (None, after),
        exp.GT: (after, None),
        exp.GTE: (first, None),
    }
    return (column, *bounds[compared.operator])
