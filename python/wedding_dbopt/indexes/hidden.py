"""Partial indexes that other statements may read unseen.

A statement that asks for none of an index's keys may still read all of it, where it holds what the statement needs. HypoPG 1.3.1
shows no such plan with a partial index. Where no statistics know how many rows the predicate keeps, the planner takes it for what
it is not: TPC-H q04 became eight times slower with an index that q21 had asked for. So such an index is taken only beside one
of the same rows that serves the other statement by its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .candidates import holds, leads
from .definition import IndexDef
from .predicates import TableUse


class Hidden:
    """Which indexes may be read unseen, each with those beside which it may be taken."""

    def __init__(self, uses: Iterable[TableUse], offered: Iterable[IndexDef]) -> None:
        known, all_uses = set(offered), list(uses)
        self._beside: dict[IndexDef, list[frozenset[IndexDef]]] = {}
        for index in known:
            for use in all_uses:
                if use.relation.place == index.place and _is_hidden(use, index):
                    same = (
                        other for other in known if other.place == index.place and other.where == index.where
                    )
                    serving = frozenset(other for other in same if leads(use, other))
                    self._beside.setdefault(index, []).append(serving)

    def allow(self, config: Iterable[IndexDef]) -> bool:
        """Whether each of them is beside what it may be taken beside."""
        held = set(config)
        return all(self._is_beside(index, held) for index in held)

    def without(self, config: Iterable[IndexDef]) -> frozenset[IndexDef]:
        """The configuration without those that are not."""
        held = set(config)
        while gone := {index for index in held if not self._is_beside(index, held)}:
            held -= gone
        return frozenset(held)

    def together(self) -> Iterator[frozenset[IndexDef]]:
        """Each such index with one of those beside which it may be taken."""
        for index in sorted(self._beside, key=IndexDef.order_key):
            if all(self._beside[index]):
                first = {min(serving, key=IndexDef.order_key) for serving in self._beside[index]}
                yield frozenset({index, *first})

    def _is_beside(self, index: IndexDef, held: set[IndexDef]) -> bool:
        return all(serving & held for serving in self._beside.get(index, ()))


def _is_hidden(use: TableUse, index: IndexDef) -> bool:
    return (
        index.guessed
        and not leads(use, index)
        and use.proven(index.conditions) is not None
        and holds(use, index)
    )
