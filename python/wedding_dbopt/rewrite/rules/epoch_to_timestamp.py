"""Turn `extract(epoch from ts) >= n` into `ts >= to_timestamp(n)`.

Why: An index on ts serves the comparison of the column itself.
Sound when: ts is a timestamp and n an integer constant of at most four billion, which to_timestamp takes exactly; a
timestamp without time zone counts its seconds as if it were UTC.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import ORDERINGS, Comparison, comparison, integer_of
from wedding_dbopt.rewrite.facts import TIMESTAMP, TIMESTAMPTZ, Facts
from wedding_dbopt.rewrite.positions import in_filter
from wedding_dbopt.rewrite.templates import condition

NODE: tuple[type[exp.Expr], ...] = ORDERINGS
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
LARGEST = 4_000_000_000


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    compared = _epoch(node) if in_filter(node) else None
    fact = facts.column(compared.operand.expression) if compared is not None else None
    return () if fact is not None and fact.column.type_oid in (TIMESTAMP, TIMESTAMPTZ) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the comparison of the column."""
    compared = _epoch(node)
    assert compared is not None
    column = compared.operand.expression
    fact = facts.column(column)
    assert fact is not None
    template = (
        "(to_timestamp(_n_) AT TIME ZONE 'UTC')" if fact.column.type_oid == TIMESTAMP else "to_timestamp(_n_)"
    )
    return compared.operator(this=column.copy(), expression=condition(template, n=compared.constant))


def _epoch(node: exp.Expr) -> Comparison | None:
    compared = comparison(node)
    if compared is None or not isinstance(compared.operand, exp.Extract):
        return None
    value = integer_of(compared.constant)
    is_epoch = compared.operand.this.name.upper() == "EPOCH"
    return compared if is_epoch and value is not None and value <= LARGEST else None
