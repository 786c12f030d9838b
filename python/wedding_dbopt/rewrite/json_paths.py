"""Paths into jsonb columns, and documents that such a path leads to a value in."""

from __future__ import annotations

import json
import re

from sqlglot import exp

from wedding_dbopt.rewrite.constants import text_of

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PATH = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:,[A-Za-z_][A-Za-z0-9_]*)*)\}", re.ASCII)


def path_of(node: exp.Expr) -> tuple[exp.Expr, list[str]] | None:
    """Return column and keys of `c ->> 'k'`, `c -> 'j' ->> 'k'` or `c #>> '{j,k}'`; keys are plain words."""
    node = node.unnest()
    if type(node) is exp.JSONBExtractScalar:
        found = _PATH.fullmatch(text_of(node.expression) or "")
        return (node.this, found.group(1).split(",")) if found and isinstance(node.this, exp.Column) else None
    if type(node) is not exp.JSONExtractScalar:
        return None
    keys: list[str] = []
    while type(node) in (exp.JSONExtractScalar, exp.JSONExtract):
        key = _key(node.expression)
        if key is None:
            return None
        keys.insert(0, key)
        node = node.this.unnest()
    return (node, keys) if isinstance(node, exp.Column) else None


def _key(path: exp.Expr) -> str | None:
    """Return the key of one arrow."""
    parts = path.expressions if isinstance(path, exp.JSONPath) else []
    if len(parts) != 2 or not isinstance(parts[1], exp.JSONPathKey) or not isinstance(parts[1].this, str):
        return None
    key = parts[1].this
    return key if _KEY.fullmatch(key) else None


def containing(column: exp.Expr, keys: list[str], value: object) -> exp.Expr:
    """Return the test that the column holds `value` under the keys."""
    for key in reversed(keys):
        value = {key: value}
    document = exp.Literal.string(json.dumps(value, ensure_ascii=False))
    return exp.ArrayContainsAll(
        this=column.copy(), expression=exp.Cast(this=document, to=exp.DataType.build("jsonb"))
    )
