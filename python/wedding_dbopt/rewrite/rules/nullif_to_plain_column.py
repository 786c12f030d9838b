"""Turn `NULLIF(x, 'a') = 'b'` into `x = 'b'`.

Why: An index on x serves the plain comparison.
Sound when: both constants are plain and differ, x is an integer, or a text under a deterministic collation, and NULL
counts as false here.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import Comparison, comparison, integer_of, text_of
from wedding_dbopt.rewrite.facts import INTEGER_RANGES, TEXT, VARCHAR, Facts
from wedding_dbopt.rewrite.positions import decides_rows

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    compared = _nullif(node) if decides_rows(node) else None
    fact = facts.column(compared.operand.this) if compared is not None else None
    if compared is None or fact is None:
        return None
    if fact.column.type_oid in INTEGER_RANGES:
        read = integer_of
    elif fact.column.type_oid in (TEXT, VARCHAR) and fact.column.deterministic:
        read = text_of  # type: ignore[assignment]
    else:
        return None
    hidden, wanted = read(compared.operand.expression), read(compared.constant)
    return () if hidden is not None and wanted is not None and hidden != wanted else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the comparison of the column."""
    compared = _nullif(node)
    assert compared is not None
    return exp.EQ(this=compared.operand.this.copy(), expression=compared.constant.copy())


def _nullif(node: exp.Expr) -> Comparison | None:
    compared = comparison(node)
    return compared if compared is not None and type(compared.operand) is exp.Nullif else None
