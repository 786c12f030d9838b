"""Turn `'x' = ANY (tags)` and `array_position(tags, 'x') IS NOT NULL` into `tags @> ARRAY['x']`.

Why: A GIN index on the array column serves `@>` only.
Sound when: tags is an array column of texts (deterministic), integers or uuids, the constant or parameter is of its
elements' type and not NULL where it is a constant, and NULL counts as false here: NULL elements make the first form
NULL, the second false.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import integer_of, text_of
from wedding_dbopt.rewrite.facts import (
    BIGINT_ARRAY,
    INTEGER_ARRAY,
    TEXT_ARRAY,
    UUID_ARRAY,
    VARCHAR_ARRAY,
    ColumnFact,
    Facts,
)
from wedding_dbopt.rewrite.intervals import is_parameter
from wedding_dbopt.rewrite.positions import decides_rows
from wedding_dbopt.rewrite.templates import condition

NODE: tuple[type[exp.Expr], ...] = (exp.EQ, exp.Is)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
TYPES = {
    TEXT_ARRAY: "TEXT[]",
    VARCHAR_ARRAY: "VARCHAR[]",
    INTEGER_ARRAY: "INT[]",
    BIGINT_ARRAY: "BIGINT[]",
    UUID_ARRAY: "UUID[]",
}


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _parts(node) if decides_rows(node) and not facts.contains_shadowed else None
    fact = facts.column(found[0]) if found is not None else None
    if found is None or fact is None or fact.column.type_oid not in TYPES or not fact.column.deterministic:
        return None
    return () if _is_element(found[1], fact) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the containment."""
    found = _parts(node)
    assert found is not None
    fact = facts.column(found[0])
    assert fact is not None
    template = f"_c_ @> CAST(ARRAY[_x_] AS {TYPES[fact.column.type_oid]})"
    return condition(template, c=found[0], x=found[1])


def _is_element(value: exp.Expr, fact: ColumnFact) -> bool:
    kind = fact.column.type_oid
    if is_parameter(value):  # of varchar it would take another type
        return kind != VARCHAR_ARRAY
    if kind in (INTEGER_ARRAY, BIGINT_ARRAY):
        number = integer_of(value)
        return number is not None and number < 2 ** (31 if kind == INTEGER_ARRAY else 63)
    return text_of(value) is not None


def _parts(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """Return the array column and the element."""
    if isinstance(node, exp.EQ):
        for value, test in ((node.this, node.expression), (node.expression, node.this)):
            if isinstance(test, exp.Any) and isinstance(test.this.unnest(), exp.Column):
                return test.this.unnest(), value.unnest()
        return None
    call = node.this.unnest()
    is_present = isinstance(node.expression, exp.Null) and node.args.get("negate")
    if (
        not is_present
        or not isinstance(call, exp.ArrayPosition)
        or len([v for v in call.args.values() if v]) != 2
    ):
        return None
    return (call.this, call.expression) if isinstance(call.expression, exp.Literal) else None
