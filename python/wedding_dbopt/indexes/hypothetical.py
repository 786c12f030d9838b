"""The hypothetical indexes that are there for the next EXPLAIN: candidates, and full ones that stand in for partial ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import chain, islice
from typing import Protocol

from ..database import DatabaseError
from ..errors import DboptError, MissingExtension
from .candidates import stand_in
from .definition import IndexDef
from .predicates import TableUse
from .stand_ins import Read
from .terms import Term

Place = tuple[str, str]
Failure = (DboptError, DatabaseError)
_NOT_IMMUTABLE = "42P17"


class Maker(Protocol):
    """Holds hypothetical indexes."""

    def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
        """Make hypothetical indexes of CREATE INDEX statements, each on its (schema, table): all or none. Their oids."""

    def drop_hypothetical(self, oids: Sequence[int]) -> None:
        """Forget hypothetical indexes."""


class Hypothetical:
    """Makes only what is not there yet and drops only what nobody wants; what cannot be made is `refused`, with the reason.

    `read` tells by oid how much of what a stand-in reads its index would. Without `corrected` nothing stands in, and
    indexes are made as they are written.
    """

    def __init__(
        self,
        source: Maker,
        size: Callable[[IndexDef], int],
        leaves: Callable[[Place], Sequence[Place]],
        corrected: bool,
    ) -> None:
        self._source = source
        self._size = size
        self._leaves = leaves
        self._corrected = corrected
        self._live: dict[IndexDef, Sequence[int]] = {}
        self._standing: dict[IndexDef, tuple[IndexDef, Sequence[int]]] = {}
        self._unfit: dict[tuple[Place, Term], str] = {}
        self.read: dict[int, Read] = {}
        self.refused: dict[IndexDef, str] = {}

    @property
    def live(self) -> AbstractSet[IndexDef]:
        """The candidates that are there."""
        return self._live.keys()

    @property
    def stand_ins(self) -> dict[int, IndexDef]:
        """By oid of a stand-in the index that it stands for."""
        return {oid: index for index, (_, held) in self._standing.items() for oid in held}

    def by_oid(self) -> dict[int, IndexDef]:
        """The index that each oid is, or stands for."""
        return {oid: index for index, oids in self._live.items() for oid in oids} | self.stand_ins

    def close(self) -> None:
        """Drop every hypothetical index of this object."""
        self._source.drop_hypothetical([*chain.from_iterable(self._live.values()), *self.stand_ins])
        self._live.clear()
        self._standing.clear()
        self.read.clear()

    def establish(self, places: Mapping[Place, Sequence[TableUse]], relevant: Collection[IndexDef]) -> None:
        """Let exactly these be there on the tables of a statement, told what it asks of each."""
        gone = [x for x in self._live if x.place in places and x not in relevant]
        self._source.drop_hypothetical([oid for index in gone for oid in self._live.pop(index)])
        missing = sorted(set(relevant) - self._live.keys(), key=IndexDef.order_key)
        if missing and not self._made(missing) and len(missing) > 1:
            self._made_apart(missing)
        self.stand_in(places, relevant)

    def _made_apart(self, indexes: Sequence[IndexDef]) -> None:
        """Make what can be made of some indexes: those of plain columns at once, no refused expression a second time."""
        simple = [index for index in indexes if not _expressions(index)]
        whole = 0 < len(simple) < len(indexes) and self._made(simple)
        for index in indexes:
            if whole and index in self._live:
                continue
            unfit = [self._unfit[term] for term in _expressions(index) if term in self._unfit]
            if unfit:
                self.refused[index] = unfit[0]
            else:
                self._made([index])

    def stand_in(
        self,
        places: Mapping[Place, Sequence[TableUse]],
        relevant: Collection[IndexDef],
        spared: Collection[IndexDef] = (),
    ) -> None:
        """Full indexes in the place of partial ones, for this statement only: others would use them without the condition.

        For the `spared` ones the statement is planned without the condition, so they hold what the partial ones hold.
        """
        partial = sorted((x for x in self._live if x.where and x in relevant), key=IndexDef.order_key)
        alone = len(places) == 1
        full = {
            index: stand_in(places.get(index.place, ()), index, alone)
            if index not in spared
            else replace(index, where=None, fraction=1.0, joint=())
            for index in partial
            if self._corrected
        }
        wanted = {index: made for index, made in full.items() if made is not None}
        self._stood(wanted)
        for index, (whole, oids) in self._standing.items():
            if index.joint and index not in spared:
                part = self._size(index) / max(self._size(whole), 1)
                said = [use.proven(index.joint) for use in places.get(index.place, ())]
                names = {column for found in said for item in found or () for column in item.columns}
                read = Read(index.fraction, part, tuple(sorted(names)))
                self.read.update(dict.fromkeys(oids, read))

    def _stood(self, wanted: Mapping[IndexDef, IndexDef]) -> None:
        """Let exactly these stand in, as far as they can be made; those that do so already stay."""
        gone = [index for index, (made, _) in self._standing.items() if wanted.get(index) != made]
        self._source.drop_hypothetical([oid for index in gone for oid in self._standing.pop(index)[1]])
        fresh = [(index, made) for index, made in wanted.items() if index not in self._standing]
        try:
            oids = self._created([made for _, made in fresh]) if fresh else []
        except MissingExtension:
            raise
        except Failure:
            fresh = []
            oids = []
        self._standing.update((index, (made, held)) for (index, made), held in zip(fresh, oids))
        self.read = {}

    def _made(self, indexes: Sequence[IndexDef]) -> bool:
        """Whether all of some indexes could be made; one that cannot be made is refused for good."""
        try:
            oids = self._created(indexes)
        except MissingExtension:
            raise
        except Failure as error:
            if len(indexes) == 1:
                self.refused[indexes[0]] = str(error)
                blamed = _expressions(indexes[0])
                if len(blamed) == 1 and isinstance(error, DatabaseError) and error.sqlstate == _NOT_IMMUTABLE:
                    self._unfit.update(dict.fromkeys(blamed, str(error)))
            return False
        self._live.update(zip(indexes, oids))
        return True

    def _created(self, indexes: Sequence[IndexDef]) -> list[Sequence[int]]:
        """The oids of each index, one for each table that holds rows."""
        places = [self._leaves(index.place) for index in indexes]
        wanted = [
            (self._ddl(replace(index, schema=place[0], table=place[1])), place)
            for index, held in zip(indexes, places)
            for place in held
        ]
        oids = iter(self._source.create_hypothetical(wanted))
        return [list(islice(oids, len(held))) for held in places]

    def _ddl(self, index: IndexDef) -> str:
        return index.packed_sql() if self._corrected else index.create_sql()


def _expressions(index: IndexDef) -> list[tuple[Place, Term]]:
    """The keys of an index that are no plain columns, each with its table."""
    return [(index.place, key.term) for key in index.columns if key.expression is not None]
