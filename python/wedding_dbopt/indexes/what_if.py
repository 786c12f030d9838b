"""Plans of statements under indexes that do not exist.

HypoPG gives its indexes no tree height, so the planner thinks a descent is free (0.06 instead of 0.43 for
one probe of a large index) and prefers nested loops that lose in reality. The descents are charged here:
50 operator costs per level and execution, as PostgreSQL's `btcostestimate` does for a real index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from ..database import DatabaseError
from ..errors import DboptError, MissingExtension
from ..plan import Plan
from .definition import IndexDef
from .predicates import TableUse
from .size import tree_height
from .terms import Term

_HYPOTHETICAL = re.compile(r"^<(\d+)>")
_CPU_OPERATOR_COST = 0.0025
_DESCENT_OPERATORS = 50

Config = frozenset[IndexDef]
Failure = (DboptError, DatabaseError)


class PlanSource(Protocol):
    """Plans statements, known by key, and holds hypothetical indexes."""

    def explain(self, key: str) -> Any:
        """EXPLAIN (FORMAT JSON) as the statement's own role; raises DboptError or DatabaseError."""

    def create_hypothetical(self, sql: str, place: tuple[str, str]) -> int:
        """Make a hypothetical index of a CREATE INDEX statement on (schema, table) and return its oid."""

    def drop_hypothetical(self, oid: int) -> None:
        """Forget a hypothetical index."""


@dataclass(frozen=True)
class Priced:
    """A plan under a configuration: its corrected cost and which of the hypothetical indexes it uses."""

    plan: Plan
    cost: float
    used: Config


class WhatIf:
    """Prices statements under configurations, each (statement, relevant indexes) once.

    `calls` counts the EXPLAINs; `lowest` is the lowest cost seen so far of each statement; `refused` holds
    the indexes that HypoPG would not make, with its reason.
    """

    def __init__(self, source: PlanSource, size: Callable[[IndexDef], int]) -> None:
        self._source = source
        self._size = size
        self._interests: dict[str, dict[tuple[str, str], set[Term]]] = {}
        self._live: dict[IndexDef, int] = {}
        self._cache: dict[tuple[str, Config], Priced] = {}
        self.lowest: dict[str, float] = {}
        self.calls = 0
        self.refused: dict[IndexDef, str] = {}

    def watch(self, key: str, uses: Iterable[TableUse]) -> None:
        """Tell which tables and keys a statement cares about; indexes led by other keys do not concern it."""
        places = self._interests.setdefault(key, {})
        for use in uses:
            places.setdefault((use.relation.schema, use.relation.name), set()).update(use.terms())

    def settle(self, key: str, place: tuple[str, str]) -> None:
        """Tell that a statement needs no index on a table any more."""
        self._interests.get(key, {}).pop(place, None)

    def concerns(self, key: str, index: IndexDef) -> bool:
        """Whether an index may change the statement's plan."""
        return index.columns[0].term in self._interests.get(key, {}).get(index.place, ())

    def cost(self, key: str, config: Collection[IndexDef]) -> Priced:
        """The statement's plan under a configuration; failures of EXPLAIN leave as they are."""
        relevant = frozenset(x for x in config if x not in self.refused and self.concerns(key, x))
        if (key, relevant) not in self._cache:
            self._establish(key, relevant)
            self.calls += 1
            plan = Plan.from_json(self._source.explain(key))
            priced = self._priced(plan)
            self.lowest[key] = min(priced.cost, self.lowest.get(key, priced.cost))
            self._cache[key, relevant] = priced
        return self._cache[key, relevant]

    def close(self) -> None:
        """Drop every hypothetical index of this object."""
        while self._live:
            self._source.drop_hypothetical(self._live.popitem()[1])

    def _establish(self, key: str, relevant: Config) -> None:
        places = self._interests.get(key, {})
        for index in [x for x in self._live if x.place in places and x not in relevant]:
            self._source.drop_hypothetical(self._live.pop(index))
        for index in sorted(relevant - self._live.keys(), key=IndexDef.order_key):
            try:
                self._live[index] = self._source.create_hypothetical(index.create_sql(), index.place)
            except MissingExtension:
                raise
            except Failure as error:
                self.refused[index] = str(error)

    def _priced(self, plan: Plan) -> Priced:
        by_oid = {oid: index for index, oid in self._live.items()}
        used: set[IndexDef] = set()
        descents = 0.0
        for visit in plan.visits():
            match = _HYPOTHETICAL.match(visit.node.index or "")
            index = by_oid.get(int(match.group(1))) if match else None
            if index is not None:
                used.add(index)
                if index.method != "btree":
                    continue
                # The root of an INSERT leaves out what its policies' checks cost, so no descent may be charged there.
                if visit.node.startup_cost > plan.total_cost:
                    continue
                levels = tree_height(self._size(index)) + 1
                descents += levels * _DESCENT_OPERATORS * _CPU_OPERATOR_COST * visit.executions
        return Priced(plan, plan.total_cost + descents, frozenset(used))
