"""Whether an index that a table already has does what a candidate would."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from ..catalog import Index
from .definition import IndexDef

_OPCLASS = re.compile(r"\s(?:[\w\"]+\.)?(\w+_ops)\b(?:\s*\([^()]*\))?(?:\s+(?:ASC|DESC))?(?:\s+NULLS \w+)?$")
_BEGINS = re.compile(r"(?:\w+|\"[^\"]+\") >= '[^']*'::[a-z ]+(?:\(\d\))?[a-z ]*")
_NOISE = re.compile(r"::[a-z ]+(\[\])?|[\s\"()]")


def serves(existing: Index, index: IndexDef) -> bool:
    """Whether a valid existing index already does what a candidate would: its keys lead the existing ones."""
    if not existing.valid or existing.predicate is not None or existing.method != index.method:
        return False
    if len(existing.columns) < len(index.columns):
        return False
    for held, text, key in zip(existing.columns, _key_texts(existing.definition), index.columns):
        opclass = _OPCLASS.search(text)
        if held != key.column or not _same_class(opclass, key.opclass):
            return False
        bare = text if opclass is None else text[: opclass.start()]
        if held is None and _plain(bare) != _plain(key.term.sql):
            return False
    directions = {held != key.descending for held, key in zip(existing.descending, index.columns)}
    if index.method == "btree" and len(directions) > 1:
        return False
    return {*existing.columns, *existing.include} >= set(index.include)


def begins_at_date(existing: Index, index: IndexDef, column: str) -> bool:
    """Whether an existing index has a candidate's keys and begins at a date of a column: then it is renewed, not joined."""
    if existing.predicate is None or not _BEGINS.fullmatch(existing.predicate.strip("()")):
        return False
    whole = replace(existing, predicate=None)
    named = _NOISE.sub("", existing.predicate).startswith(f"{column}>=")
    return named and serves(whole, replace(index, where=None)) and len(existing.columns) == len(index.columns)


def covers(index: IndexDef, definition: str) -> bool:
    """Whether a planned index does what one of this definition does: it equals it, or (B-tree) begins with all its keys."""
    held, _, body = definition.partition(" USING ")
    if _plain(body) == _plain(index.create_sql().partition(" USING ")[2]):
        return True
    keys = _key_texts(body)
    whole = index.where is None and body == f"btree ({', '.join(keys)})" and " UNIQUE " not in held
    made = [_plain(key.sql()) for key in index.columns]
    return whole and index.method == "btree" and made[: len(keys)] == [_plain(key) for key in keys]


def _same_class(held: re.Match[str] | None, wanted: str | None) -> bool:
    """Whether the operator class of an existing key does what the wanted one does (GIN's default holds all of jsonb)."""
    name = held.group(1) if held is not None else None
    other = wanted.rpartition(".")[2] if wanted is not None else None
    if name is None:
        return other in (None, "jsonb_path_ops")
    return other is not None and name.replace("varchar_", "text_") == other.replace("varchar_", "text_")


@lru_cache(maxsize=1000)
def _key_texts(definition: str) -> tuple[str, ...]:
    """The keys as the definition writes them, with operator classes, collations and directions."""
    texts, depth = [""], 0
    for character in definition[definition.find("(") :]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            break
        if character == "," and depth == 1:
            texts.append("")
        else:
            texts[-1] += character
    return (texts[0][1:].strip(), *(text.strip() for text in texts[1:]))


def _plain(text: str) -> str:
    return _NOISE.sub("", text.lower())
