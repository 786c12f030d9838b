"""Turn `id::text = '7'` into `id = 7`.

Why: An index on id serves the comparison of integers.
Sound when: id is an integer column and the text is the one way to write an integer of its type: no sign +,
no leading zero, no blank.
"""

from __future__ import annotations

import re

from sqlglot import exp

from wedding_dbopt.rewrite.constants import comparison, is_cast_to, text_of
from wedding_dbopt.rewrite.facts import INTEGER_RANGES, Facts
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = (exp.EQ, exp.NEQ, exp.In)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    cast, texts = _parts(node)
    if cast is None or not in_filter(node):
        return None
    fact = facts.column(cast.this)
    if fact is None or fact.column.type_oid not in INTEGER_RANGES:
        return None
    limit = INTEGER_RANGES[fact.column.type_oid]
    canonical = all(CANONICAL.fullmatch(text or "") and -limit < int(text) < limit for text in texts)
    return () if texts and canonical else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the comparison of integers."""
    cast, texts = _parts(node)
    assert cast is not None
    numbers = [_number(int(text)) for text in texts]
    if isinstance(node, exp.In):
        return exp.In(this=cast.this.copy(), expressions=numbers)
    return type(node)(this=cast.this.copy(), expression=numbers[0])


def _number(value: int) -> exp.Expr:
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal


def _parts(node: exp.Expr) -> tuple[exp.Expr | None, list[str]]:
    """Return the cast to text and the texts it is compared with."""
    if isinstance(node, exp.In):
        operand, constants = node.this.unnest(), node.expressions
    else:
        compared = comparison(node)
        if compared is None:
            return None, []
        operand, constants = compared.operand, [compared.constant]
    if not is_cast_to(operand, exp.DType.TEXT, exp.DType.VARCHAR) or not isinstance(operand.this, exp.Column):
        return None, []
    return operand, [text_of(constant) or "" for constant in constants]
