"""Turn `id = 7.0` into `id = 7`.

Why: The constant 7.0 makes PostgreSQL compare as numeric, which no index on an integer column serves.
Sound when: id is an integer column and the constant is a whole number inside the range of its type.
"""

from __future__ import annotations

import re

from sqlglot import exp

from wedding_dbopt.rewrite.constants import COMPARISONS, Comparison, comparison
from wedding_dbopt.rewrite.facts import INTEGER_RANGES, Facts
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = COMPARISONS
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
WHOLE = re.compile(r"([0-9]{1,18})\.0*", re.ASCII)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    compared = comparison(node)
    value = _whole(compared) if compared is not None else None
    if compared is None or value is None or not in_filter(node):
        return None
    fact = facts.column(compared.operand)
    if fact is None or fact.column.type_oid not in INTEGER_RANGES:
        return None
    return () if value < INTEGER_RANGES[fact.column.type_oid] else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the comparison with an integer."""
    compared = comparison(node)
    assert compared is not None
    value = exp.Literal.number(_whole(compared))
    return compared.operator(this=compared.operand.copy(), expression=value)


def _whole(compared: Comparison) -> int | None:
    constant = compared.constant
    if not isinstance(constant, exp.Literal) or constant.is_string:
        return None
    found = WHOLE.fullmatch(constant.this)
    return int(found.group(1)) if found else None
