"""Turn `x IS NOT DISTINCT FROM constant` into `x = constant`.

Why: No index serves IS NOT DISTINCT FROM.
Sound when: x is a column of a usual type, the constant is not NULL, and NULL counts as false here.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import is_cast_to
from wedding_dbopt.rewrite.facts import (
    BIGINT,
    BOOLEAN,
    DATE,
    INTEGER,
    NUMERIC,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    Facts,
)
from wedding_dbopt.rewrite.positions import decides_rows

NODE: tuple[type[exp.Expr], ...] = (exp.NullSafeEQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
TYPES = (BOOLEAN, SMALLINT, INTEGER, BIGINT, NUMERIC, TEXT, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, UUID)
CASTS = (
    exp.DType.DATE,
    exp.DType.TIMESTAMP,
    exp.DType.TIMESTAMPTZ,
    exp.DType.INT,
    exp.DType.BIGINT,
    exp.DType.UUID,
)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _parts(node) if decides_rows(node) else None
    fact = facts.column(found[0]) if found is not None else None
    return () if fact is not None and fact.column.type_oid in TYPES else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the equality."""
    found = _parts(node)
    assert found is not None
    return exp.EQ(this=found[0].copy(), expression=found[1].copy())


def _parts(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    for column, constant in ((node.this, node.expression), (node.expression, node.this)):
        value = constant.this if is_cast_to(constant, *CASTS) else constant
        if isinstance(column, exp.Column) and isinstance(value, (exp.Literal, exp.Boolean)):
            return column, constant
    return None
