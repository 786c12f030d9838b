"""Turn `id::text = $1` into `id = $1::bigint`, guarded by a test that $1 is written as id would be.

Why: An index on id serves the comparison of integers.
Sound when: id is an integer column and NULL counts as false here: a text that is no canonical integer then finds no
row in either form. The parameter stays a text.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import is_cast_to
from wedding_dbopt.rewrite.facts import INTEGER_RANGES, Facts
from wedding_dbopt.rewrite.intervals import is_parameter
from wedding_dbopt.rewrite.positions import decides_rows
from wedding_dbopt.rewrite.templates import condition

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _parts(node) if decides_rows(node) else None
    fact = facts.column(found[0]) if found is not None else None
    return () if fact is not None and fact.column.type_oid in INTEGER_RANGES else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the guarded comparison of integers."""
    found = _parts(node)
    assert found is not None
    column, parameter = found
    return condition(
        "_c_ = CASE WHEN _p_ ~ '^(0|-?[1-9][0-9]{0,17})$' THEN CAST(_p_ AS BIGINT) END",
        c=column,
        p=exp.Cast(this=parameter.copy(), to=exp.DataType.build("text")),
    )


def _parts(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    for left, right in (
        (node.this.unnest(), node.expression.unnest()),
        (node.expression.unnest(), node.this.unnest()),
    ):
        if is_cast_to(left, exp.DType.TEXT) and isinstance(left.this, exp.Column):
            parameter = right.this.unnest() if is_cast_to(right, exp.DType.TEXT) else right
            if is_parameter(parameter):
                return left.this, parameter
    return None
