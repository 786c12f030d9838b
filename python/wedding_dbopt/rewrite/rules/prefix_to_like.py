r"""Add `x LIKE 'abc%'` to `left(x, 3) = 'abc'` or `substring(x from 1 for 3) = 'abc'`, and keep the test.

Why: An index for patterns (text_pattern_ops, or a column of collation C) serves LIKE.
Sound when: x is a text or varchar column under a deterministic collation (char would be padded), and the constant
has exactly as many characters as are taken; `%`, `_` and `\` in it are escaped.
"""

from __future__ import annotations

import re

from sqlglot import exp

from wedding_dbopt.rewrite.constants import comparison, integer_of, text_of
from wedding_dbopt.rewrite.facts import TEXT, VARCHAR, Facts
from wedding_dbopt.rewrite.implied import is_widened, widened
from wedding_dbopt.rewrite.positions import in_filter

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the pattern is not there yet, else None."""
    found = _prefix(node) if in_filter(node) else None
    fact = facts.column(found[0]) if found is not None else None
    if found is None or fact is None or fact.column.type_oid not in (TEXT, VARCHAR):
        return None
    return () if fact.column.deterministic and not is_widened(node, [_like(*found)]) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the pattern and the test."""
    found = _prefix(node)
    assert found is not None
    return widened(node, [_like(*found)])


def _like(column: exp.Expr, prefix: str) -> exp.Expr:
    pattern = re.sub(r"([\\%_])", r"\\\1", prefix) + "%"
    return exp.Like(this=column.copy(), expression=exp.Literal.string(pattern))


def _prefix(node: exp.Expr) -> tuple[exp.Expr, str] | None:
    compared = comparison(node)
    call = compared.operand if compared is not None else None
    text = text_of(compared.constant) if compared is not None else None
    if isinstance(call, exp.Left):
        taken = integer_of(call.expression)
    elif isinstance(call, exp.Substring) and integer_of(call.args.get("start") or exp.Null()) == 1:
        taken = integer_of(call.args.get("length") or exp.Null())
    else:
        return None
    return (call.this, text) if text and taken == len(text) else None
