"""Turn `data ->> 'kind' = 'gold'` into `data @> '{"kind": "gold"}'`.

Why: A GIN index on the jsonb column serves `@>` only.
Sound when: data is a jsonb column, the keys are plain words (which never index an array), the constant cannot be the
text of a number, of true or false, of an object or an array, and NULL counts as false here.
"""

from __future__ import annotations

import re

from sqlglot import exp

from wedding_dbopt.rewrite.constants import comparison, text_of
from wedding_dbopt.rewrite.facts import JSONB, Facts
from wedding_dbopt.rewrite.json_paths import containing, path_of
from wedding_dbopt.rewrite.positions import decides_rows

NODE: tuple[type[exp.Expr], ...] = (exp.EQ,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
OTHER_THAN_STRING = re.compile(r"\s*([\[{\"+.0-9-].*|true|false|null)?\s*", re.IGNORECASE | re.DOTALL)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    found = _parts(node) if decides_rows(node) and not facts.contains_shadowed else None
    fact = facts.column(found[0]) if found is not None else None
    return () if fact is not None and fact.column.type_oid == JSONB else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the containment."""
    found = _parts(node)
    assert found is not None
    return containing(*found)


def _parts(node: exp.Expr) -> tuple[exp.Expr, list[str], str] | None:
    compared = comparison(node)
    text = text_of(compared.constant) if compared is not None else None
    path = path_of(compared.operand) if compared is not None else None
    if path is None or text is None or OTHER_THAN_STRING.fullmatch(text):
        return None
    return (*path, text)
