"""The sizes of candidates during one search: predicted from statistics, those of a chosen set counted on a sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..catalog import Relation
from .conditions import Search
from .definition import Config, IndexDef, Key
from .expressions import Asked, Kept, expected_share
from .predicates import TableUse
from .sample import SAMPLE_ROWS
from .size import KeyFacts, btree_bytes, btree_height
from .statistics import distinct_keys, row_count
from .terms import Term, column_term

_LARGE = 1_000_000
# So many samples are read at once, which takes half a second.
_MOST = 64

Measure = Callable[[Relation, IndexDef], "KeyFacts | None"]
Estimate = Callable[[Relation, IndexDef], int]


class Sizes:
    """Bytes by index, over the tables that the statements of a search name; `measure` counts keys on a sample."""

    def __init__(self, estimate: Estimate, measure: Measure | None) -> None:
        self._estimate = estimate
        self._measure = measure
        self._relations: dict[tuple[str, str], Relation] = {}
        self._bytes: dict[IndexDef, int] = {}
        self._measured: set[IndexDef] = set()
        self._shares: dict[tuple[tuple[str, str], str], float | None] = {}
        self._expressions: dict[tuple[tuple[str, str], Term], KeyFacts | None] = {}

    def know(self, uses: Iterable[TableUse]) -> None:
        """Take in the tables that a statement uses."""
        self._relations.update({use.relation.place: use.relation for use in uses})

    def relation(self, index: IndexDef) -> Relation:
        """The table of an index."""
        return self._relations[index.place]

    def held(self, place: tuple[str, str]) -> int:
        """How many indexes a table has."""
        return len(self._relations[place].indexes)

    def leaves(self, place: tuple[str, str]) -> Sequence[tuple[str, str]]:
        """The tables that hold the rows of one: itself, or its partitions."""
        return self._relations[place].holders

    def size(self, index: IndexDef) -> int:
        """Estimated bytes of a candidate that the planner can be asked about."""
        if index not in self._bytes:
            known = self._known_keys(index)
            relation = self.relation(index)
            self._bytes[index] = (
                self._estimate(relation, index) if known is None else btree_bytes(relation, index, known)
            )
        return self._bytes[index]

    def height(self, index: IndexDef) -> int:
        """Levels above the leaves of a B-tree, on each of the tables that hold the rows."""
        size = self.size(index) / len(self.leaves(index.place))
        return btree_height(self.relation(index), index, size)

    def _known_keys(self, index: IndexDef) -> KeyFacts | None:
        """What samples tell of the keys of an index with expressions, each for itself; None of any other index."""
        relation = self.relation(index)
        terms = [key.term for key in index.columns if key.expression is not None]
        facts = [self._of_expression(relation, term) for term in terms] if index.method == "btree" else []
        known = [item for item in facts if item is not None]
        if not facts or len(known) < len(facts):
            return None
        plain = [column for key in index.columns if key.column is not None for column in key.term.columns]
        different = math.prod([distinct_keys(relation, plain), *(item.distinct for item in known)])
        widths = tuple(width for item in known for width in item.widths)
        kinds = tuple(kind for item in known for kind in item.kinds)
        return KeyFacts(min(different, row_count(relation)), widths, kinds=kinds)

    def _of_expression(self, relation: Relation, term: Term) -> KeyFacts | None:
        name = (relation.place, term)
        if name not in self._expressions:
            read = self._measure if len(self._expressions) < _MOST else None
            self._expressions[name] = (
                read(relation, IndexDef(*relation.place, (Key(term),))) if read is not None else None
            )
        return self._expressions[name]

    def kept(self, relation: Relation, asked: Asked) -> Kept | None:
        """How many of the rows a condition on an expression keeps; on average where its values are not known."""
        facts = self._of_expression(relation, asked.term)
        if facts is None or self._measure is None:
            return None
        expected = expected_share(relation, asked, facts.kinds == ("boolean",))
        average = asked.values / max(facts.distinct, 1.0)
        if asked.condition is None:
            return Kept(average or expected, expected)
        name = (relation.place, asked.condition)
        if name not in self._shares:
            part = IndexDef(*relation.place, (Key(asked.term),), where=asked.condition)
            known = self._measure(relation, part)
            self._shares[name] = known.share if known is not None else None
        share = self._shares[name]
        if share is None:
            return Kept(average, expected) if average else None
        # What the sample has not may be there all the same.
        return Kept(share or min(average or 1.0, 1.0 / SAMPLE_ROWS), expected)

    def measure(self, indexes: Iterable[IndexDef], late: Callable[[], bool]) -> None:
        """Count on a sample the keys of those indexes whose size statistics do not tell, the largest first."""
        unsure = [index for index in set(indexes) - self._measured if self._is_unsure(index)]
        for index in sorted(unsure, key=lambda index: (-self.size(index), index.order_key()))[:_MOST]:
            if self._measure is None or late():
                break
            self._measured.add(index)
            known = self._measure(self.relation(index), index)
            if known is not None and known.share != 0.0:
                self._bytes[index] = btree_bytes(self.relation(index), index, known)

    def _is_unsure(self, index: IndexDef) -> bool:
        """Whether keys may repeat in ways that neither statistics nor a sample of each know; where it matters."""
        unknown = index.where is not None or (len(index.columns) > 1 and not index.include)
        return unknown and index.method == "btree" and self.size(index) >= _LARGE

    def counted(self, index: IndexDef) -> IndexDef:
        """The index with the share of rows that a sample has of its predicate, where statistics do not know it.

        Of a small index the share is not worth the sample.
        """
        if not index.guessed or self._measure is None or self._whole(index) < _LARGE:
            return index
        name = (index.place, index.where or "")
        if name not in self._shares:
            known = self._measure(self.relation(index), index)
            self._shares[name] = (known.share or None) if known is not None else None
        share = self._shares[name]
        return index if share is None else replace(index, fraction=share)

    def count(self, relation: Relation, search: Search) -> None:
        """Count the rows that meet a pattern, of which statistics know next to nothing."""
        single = search.expression if len(search.columns) == 1 else None
        if single == column_term(search.columns[0]).sql and not search.assumed:
            key = Key(column_term(search.columns[0]))
            self.counted(IndexDef(*relation.place, (key,), where=search.condition, guessed=True))

    def _whole(self, index: IndexDef) -> int:
        """The bytes of the same index over all rows; not remembered, because a share makes no other index."""
        return self._estimate(self.relation(index), replace(index, fraction=1.0))

    def share(self, relation: Relation, condition: str) -> float | None:
        """The share of a table's rows that meet a condition, where it was counted."""
        return self._shares.get((relation.place, condition))

    def total(self, indexes: Iterable[IndexDef]) -> int:
        """Bytes of all of some indexes."""
        return sum(map(self.size, indexes))

    def within(self, config: Config, fits: Callable[[Config], bool]) -> Config:
        """What is left without the largest, until it fits."""
        kept = sorted(config, key=lambda index: (self.size(index), index.order_key()))
        while kept and not fits(frozenset(kept)):
            kept.pop()
        return frozenset(kept)
