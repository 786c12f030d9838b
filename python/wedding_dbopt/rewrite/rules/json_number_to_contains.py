"""Add `data @> '{"n": 5}' OR data @> '{"n": "5"}'` to `data ->> 'n' = '5'`, and keep the test.

Why: A GIN index on the jsonb column serves `@>` only.
Sound when: data is a jsonb column, the keys are plain words (which never index an array), the constant is the text
of an integer, of true or of false, and NULL counts as false here. The number 5 and the string "5" both print as 5,
and 5.0 equals 5 but does not: hence both alternatives, and the test.
"""

from __future__ import annotations

import re

from sqlglot import exp

from wedding_dbopt.rewrite.constants import comparison, text_of
from wedding_dbopt.rewrite.facts import JSONB, Facts
from wedding_dbopt.rewrite.implied import is_widened, widened
from wedding_dbopt.rewrite.json_paths import containing, path_of
from wedding_dbopt.rewrite.positions import decides_rows

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
VALUE = re.compile(r"-?(0|[1-9][0-9]{0,17})|true|false", re.ASCII)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies and the alternatives are not there yet, else None."""
    found = _parts(node) if decides_rows(node) and not facts.contains_shadowed else None
    fact = facts.column(found[0]) if found is not None else None
    if found is None or fact is None or fact.column.type_oid != JSONB:
        return None
    return None if is_widened(node, [_alternatives(*found)]) else ()


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the alternatives and the test."""
    found = _parts(node)
    assert found is not None
    return widened(node, [_alternatives(*found)])


def _alternatives(column: exp.Expr, keys: list[str], text: str) -> exp.Expr:
    value = text == "true" if text in ("true", "false") else int(text)
    return exp.Paren(
        this=exp.Or(this=containing(column, keys, value), expression=containing(column, keys, text))
    )


def _parts(node: exp.Expr) -> tuple[exp.Expr, list[str], str] | None:
    compared = comparison(node)
    text = text_of(compared.constant) if compared is not None else None
    path = path_of(compared.operand) if compared is not None else None
    if path is None or text is None or not VALUE.fullmatch(text) or text == "-0":
        return None
    return (*path, text)
