"""Turn `COALESCE(x, default) = constant` into `x = constant` where the default would not pass the test.

Why: An index on x serves the plain comparison.
Sound when: the comparison decides rows (no NOT above it, so NULL counts as false), x is a text under a
deterministic collation, an integer, a numeric or a boolean, both constants are plain, and the default in
place of x makes the comparison false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from wedding_dbopt.rewrite.constants import COMPARISONS, Comparison, comparison, integer_of, text_of
from wedding_dbopt.rewrite.facts import BOOLEAN, INTEGER_RANGES, NUMERIC, TEXT, VARCHAR, ColumnFact, Facts
from wedding_dbopt.rewrite.positions import decides_rows

NODE: tuple[type[exp.Expr], ...] = (*COMPARISONS, exp.In)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
EQUALITIES = (exp.EQ, exp.NEQ)
OPERATORS: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    if isinstance(node, exp.In):
        return _in_list(node, facts)
    compared = comparison(node)
    if compared is None or type(compared.operand) is not exp.Coalesce or not decides_rows(node):
        return None
    if len(compared.operand.expressions) != 1:
        return None
    fact = facts.column(compared.operand.this)
    if fact is None:
        return None
    default = _value(compared.operand.expressions[0], fact)
    constant = _value(compared.constant, fact)
    if default is None or constant is None or not _comparable(compared, constant):
        return None
    return None if OPERATORS[compared.operator](default, constant) else ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the comparison of the column itself."""
    if isinstance(node, exp.In):
        return exp.In(
            this=node.this.unnest().this.copy(), expressions=[item.copy() for item in node.expressions]
        )
    compared = comparison(node)
    assert compared is not None
    return compared.operator(this=compared.operand.this.copy(), expression=compared.constant.copy())


def _in_list(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the list has only plain constants and the default is not among them."""
    call = node.this.unnest()
    if (
        type(call) is not exp.Coalesce
        or len(call.expressions) != 1
        or not node.expressions
        or not decides_rows(node)
    ):
        return None
    fact = facts.column(call.this)
    if fact is None or fact.column.type_oid == NUMERIC:
        return None
    default = _value(call.expressions[0], fact)
    listed = [_value(item, fact) for item in node.expressions]
    return () if default is not None and None not in listed and default not in listed else None


def _comparable(compared: Comparison, constant: str | int | bool) -> bool:
    """Tell whether Python's comparison of the values is PostgreSQL's: texts have no order here."""
    return compared.operator in EQUALITIES or not isinstance(constant, (str, bool))


def _value(node: exp.Expr, fact: ColumnFact) -> str | int | bool | None:
    kind = fact.column.type_oid
    if kind in (TEXT, VARCHAR) and fact.column.deterministic:
        return text_of(node)
    if kind in (*INTEGER_RANGES, NUMERIC):
        return integer_of(node)
    if kind == BOOLEAN and isinstance(node, exp.Boolean):
        return bool(node.this)
    return None
