"""The size of a B-tree before it is built.

HypoPG ignores the deduplication that PostgreSQL has had since version 13 and is 1.9 to 3.6 times too large on
repeated keys. Here the leaf pages are counted as `nbtsort.c` fills them: 90 % of 8 kB, tuples with one key
each, or posting lists of up to a tenth of a page where a key repeats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..catalog import Relation
from .definition import IndexDef
from .statistics import average_width, distinct_keys, row_count
from .terms import Term, column_term

PAGE = 8192
_USABLE = (PAGE - 24 - 16) * 0.9
# Pages above the leaves are filled less, so that they need not be split soon.
_USABLE_INNER = (PAGE - 24 - 16) * 0.7
_LINE_POINTER = 4
_TUPLE_HEADER = 8
_POINTER = 6
_NULL_BITMAP = 8
_POSTING_LIMIT = 808
_FANOUT = 200
_BRIN_RANGE = 128
_BRIN_MAPPED = 1360
_HASH_BUCKET = 307
_HASH_SMALL = 512
# Uneven buckets: 4 to 7 % of the pages hold what overflows.
_HASH_OVERFLOW = 0.06
# Equal values of these types may differ in their bytes, padded ones by their blanks.
_NO_DEDUPLICATION = ("character(", "bpchar", "numeric", "real", "double precision", "jsonb")
_ALIGNMENTS = {"boolean": 1, "smallint": 2, "integer": 4, "date": 4, "real": 4, "uuid": 1}
_EIGHT = ("bigint", "timestamp", "time", "double", "interval")


@dataclass(frozen=True)
class KeyFacts:
    """What a sample tells of an index: its different keys on the whole table and the average bytes of each key.

    `share` are the rows that a partial index holds, of all: 0 where the sample has none. `kinds` are the types of the keys.
    """

    distinct: float
    widths: tuple[tuple[Term, float], ...]
    share: float | None = None
    kinds: tuple[str, ...] = ()


def index_bytes(relation: Relation, index: IndexDef) -> int:
    """Bytes on disk of an index that HypoPG simulates, right after its build."""
    if index.method == "brin":
        return _brin_bytes(relation, index)
    return _hash_bytes(relation) if index.method == "hash" else btree_bytes(relation, index)


def _brin_bytes(relation: Relation, index: IndexDef) -> int:
    """A meta page, one map page per 1360 ranges of 128 pages, and a tuple with least and greatest value per range."""
    ranges = max(math.ceil(relation.pages / _BRIN_RANGE), 1)
    tuples = ranges * (_aligned(2 * _width(relation, index) + _TUPLE_HEADER) + _LINE_POINTER)
    return PAGE * (1 + math.ceil(ranges / _BRIN_MAPPED) + math.ceil(tuples / (PAGE - 24)))


def _hash_bytes(relation: Relation) -> int:
    """Buckets filled to three quarters; beyond 512 they grow in quarters of a power of two."""
    buckets = max(row_count(relation) / _HASH_BUCKET, 2.0)
    power = 2.0 ** math.floor(math.log2(buckets))
    step = power / 4 if power >= _HASH_SMALL else power
    return PAGE * int(2 + math.ceil(buckets / step) * step * (1 + _HASH_OVERFLOW))


def btree_bytes(relation: Relation, index: IndexDef, known: KeyFacts | None = None) -> int:
    """Bytes of the index on disk right after its build; `known` goes before the statistics."""
    share = index.fraction if known is None or known.share is None else known.share
    entries = row_count(relation) * share
    entries = max(entries, 1.0)
    key = _aligned(_width(relation, index, known) + _TUPLE_HEADER)
    columns = [column for item in index.columns for column in item.term.columns]
    distinct = known.distinct if known is not None else distinct_keys(relation, columns)
    repeats = entries / max(min(distinct, entries), 1.0)
    if index.include or repeats < 1.2 or not _deduplicates(relation, index, known):
        leaf = entries * (key + _LINE_POINTER)
    else:
        leaf = entries / repeats * _group_bytes(key, repeats)
    pages = math.ceil(leaf / _USABLE)
    inner = 1 + pages // _FANOUT if pages > 1 else 0
    return PAGE * (1 + pages + inner)


def btree_height(relation: Relation, index: IndexDef, size_bytes: float) -> int:
    """Levels above the leaves of an index of this size; above them stand its keys alone."""
    return tree_height(size_bytes, _aligned(_width(relation, replace(index, include=())) + _TUPLE_HEADER))


def tree_height(size_bytes: float, key_bytes: float = 24.0) -> int:
    """Levels above the leaves (0 for one page), as the planner counts them for an index descent."""
    fanout = _USABLE_INNER / (key_bytes + _LINE_POINTER)
    pages = max(size_bytes / PAGE, 1.0)
    return math.ceil(math.log(pages, fanout)) if pages > 1 else 0


def _group_bytes(key: float, repeats: float) -> float:
    """Bytes of all tuples of one key that occurs `repeats` times."""
    per_tuple = max((_POSTING_LIMIT - key) // _POINTER, 1.0)
    tuples = max(repeats / per_tuple, 1.0)
    return repeats * _POINTER + tuples * (key + _LINE_POINTER)


def _deduplicates(relation: Relation, index: IndexDef, known: KeyFacts | None) -> bool:
    columns = [relation.columns.get(key.column or "") for key in index.columns]
    kinds = [column.type for column in columns if column is not None]
    kinds += known.kinds if known is not None else ()
    return not any(
        kind.startswith(_NO_DEDUPLICATION) or kind.endswith("[]") or kind == "character" for kind in kinds
    )


def _width(relation: Relation, index: IndexDef, known: KeyFacts | None = None) -> float:
    measured = dict(known.widths) if known is not None else {}
    terms = [key.term for key in index.columns] + [column_term(name) for name in index.include]
    names = [term.columns[0] for term in terms]
    width = 0.0
    for term in terms:
        name, step = term.columns[0], _alignment(relation, term.columns[0])
        own = measured.get(term) if term.column is None else None
        width = math.ceil(width / step) * step + (average_width(relation, name) if own is None else own)
    shares = [relation.columns[name].null_frac or 0.0 for name in names if name in relation.columns]
    return width + _NULL_BITMAP * max(shares, default=0.0)


def _alignment(relation: Relation, name: str) -> int:
    kind = relation.columns[name].type if name in relation.columns else "text"
    return 8 if kind.startswith(_EIGHT) else _ALIGNMENTS.get(kind, 1)


def _aligned(width: float) -> float:
    return math.ceil(width / 8) * 8
