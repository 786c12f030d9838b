"""Judging the indexes a table already has: does one serve a candidate, and which are not worth keeping."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..catalog import Index, Relation
from .definition import IndexDef
from .terms import qualified

_OPCLASS = re.compile(r"\s(?:[\w\"]+\.)?(\w+_ops)\b(?:\s*\([^()]*\))?(?:\s+(?:ASC|DESC))?(?:\s+NULLS \w+)?$")
_NOISE = re.compile(r"::[a-z ]+(\[\])?|[\s\"()]")


@dataclass(frozen=True)
class IndexFinding:
    """An index not worth keeping as it is.

    `kind` is invalid, duplicate, redundant_prefix or unused; `other` is the index that does its work;
    `create_sql` is the definition that brings it back.
    """

    kind: str
    schema: str
    table: str
    index: str
    other: str | None
    size_bytes: int
    drop_sql: str
    create_sql: str
    reason: str


def serves(existing: Index, index: IndexDef) -> bool:
    """Whether a valid existing index already does what a candidate would: its keys lead the existing ones."""
    if not existing.valid or existing.predicate is not None or existing.method != index.method:
        return False
    if len(existing.columns) < len(index.columns):
        return False
    for held, text, key in zip(existing.columns, _key_texts(existing), index.columns):
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


def _same_class(held: re.Match[str] | None, wanted: str | None) -> bool:
    """Whether the operator class of an existing key does what the wanted one does (GIN's default holds all of jsonb)."""
    name = held.group(1) if held is not None else None
    other = wanted.rpartition(".")[2] if wanted is not None else None
    if name is None:
        return other in (None, "jsonb_path_ops")
    return other is not None and name.replace("varchar_", "text_") == other.replace("varchar_", "text_")


def findings(
    relations: Iterable[Relation], scans: Mapping[tuple[str, str], int] | None = None
) -> list[IndexFinding]:
    """Indexes to drop or rebuild, each with the reason; `scans` counts an index's scans by (schema, name).

    Primary keys, unique indexes, those behind a constraint and the only ones that serve a foreign key are
    never offered. "Unused" is only as good as the counters: the caller chooses their window, and adds the scans on replicas.
    """
    found: list[IndexFinding] = []
    for relation in relations:
        gone: set[str] = set()
        for index in sorted(relation.indexes, key=lambda item: (item.size_bytes, item.name)):
            finding = _judged(relation, index, gone, scans or {})
            if finding is not None:
                gone.add(index.name)
                found.append(finding)
    return found


def _judged(
    relation: Relation, index: Index, gone: set[str], scans: Mapping[tuple[str, str], int]
) -> IndexFinding | None:
    if not index.valid:
        return _finding("invalid", relation, index, None, "a build failed; it is written to but never read")
    if index.primary or index.unique or index.constraint:
        return None
    others = [other for other in relation.indexes if other.name != index.name and other.name not in gone]
    for other in others:
        if other.valid and _same_kind(index, other) and _leads(index, other):
            equal = len(other.columns) == len(index.columns) and set(index.include) == set(other.include)
            if equal:
                return _finding("duplicate", relation, index, other, f"{other.name} is the same index")
            text = f"{other.name} ({', '.join(_key_texts(other))}) starts with the same columns"
            return _finding("redundant_prefix", relation, index, other, text)
    if scans.get((relation.schema, index.name)) == 0 and not _only_for_foreign_key(relation, index, others):
        return _finding("unused", relation, index, None, "no scan has used it since the counters began")
    return None


def _same_kind(index: Index, other: Index) -> bool:
    same_method = index.method == other.method
    return same_method and _plain(index.predicate or "") == _plain(other.predicate or "")


def _leads(index: Index, other: Index) -> bool:
    """Whether the keys of `index`, with directions and operator classes, are the first of `other`."""
    width = len(index.columns)
    if index.method != "btree" and len(other.columns) != width:
        return False
    if not set(index.include) <= {*other.include, *other.columns}:
        return False
    return _key_texts(other)[:width] == _key_texts(index)


def _key_texts(index: Index) -> list[str]:
    """The keys as the definition writes them, with operator classes, collations and directions."""
    texts, depth = [""], 0
    for character in index.definition[index.definition.find("(") :]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            break
        if character == "," and depth == 1:
            texts.append("")
        else:
            texts[-1] += character
    return [texts[0][1:].strip(), *(text.strip() for text in texts[1:])]


def _only_for_foreign_key(relation: Relation, index: Index, others: Iterable[Index]) -> bool:
    for columns in (key.columns for key in relation.foreign_keys):
        width = len(columns)
        if set(index.columns[:width]) != set(columns):
            continue
        if not any(other.valid and set(other.columns[:width]) == set(columns) for other in others):
            return True
    return False


def _finding(kind: str, relation: Relation, index: Index, other: Index | None, why: str) -> IndexFinding:
    return IndexFinding(
        kind=kind,
        schema=relation.schema,
        table=relation.name,
        index=index.name,
        other=other.name if other is not None else None,
        size_bytes=index.size_bytes,
        drop_sql=f"DROP INDEX {qualified(relation.schema, index.name)}",
        create_sql=index.definition,
        reason=f"The index {index.name} of {relation.name} takes {index.size_bytes / 1e6:,.1f} MB: {why}.",
    )


def _plain(text: str) -> str:
    return _NOISE.sub("", text.lower())
