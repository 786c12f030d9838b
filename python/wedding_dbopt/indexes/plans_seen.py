"""What the plans seen of one statement tell of sets of indexes that nobody asked the planner for."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..plan import Node, Plan
from .definition import Config

# A plan this little dearer than the one the planner takes may be the one he takes after the next ANALYZE. Not if it finds the
# same rows in the same way by another index: which of two indexes holds more hangs on no sample.
NEAR = 1.04


@dataclass(frozen=True)
class Priced:
    """A plan under a configuration: its corrected cost and which of the hypothetical indexes it uses.

    `beyond` is what it costs more than the planner knows, in his units: he does not choose by it. Of plans that cost him about
    the same it is that of the worst.
    """

    plan: Plan
    cost: float
    used: Config
    beyond: float = 0.0

    @property
    def least(self) -> float:
        """What another plan with less costs at least."""
        return min(self.plan.total_cost, self.cost, self.worth)

    @property
    def worth(self) -> float:
        """What a choice of indexes is judged by."""
        return self.cost + self.beyond

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        """The plan without the names of its indexes, and whether they hold all that is needed."""
        return _shape(self.plan.root)


@dataclass(frozen=True)
class PlanSeen:
    """One EXPLAIN: the indexes it was offered and those its plan uses, as sets of bits."""

    offered: int
    used: int
    priced: Priced

    def settles(self, wanted: int) -> bool:
        """Whether the planner takes this plan under some indexes too: they were all offered, and those it uses are there."""
        return self.used & wanted == self.used and wanted & self.offered == wanted


class PlansSeen:
    """The plans of one statement that may ever decide something.

    With `worst` the worth under a set is that of the worst plan that costs the planner about as much as the best.
    """

    def __init__(self, worst: bool) -> None:
        self._worst = worst
        self._cheapest: list[tuple[float, int, float, int]] = []  # cost, used, worth, shape
        self._shapes: dict[tuple[Any, ...], int] = {}
        self._dearest: list[
            tuple[float, int, int]
        ] = []  # what any other costs at least (negative), offered, used

    def add(self, seen: PlanSeen) -> None:
        """Take a plan in, and leave those out that can decide nothing beside it."""
        shape = self._shapes.setdefault(seen.priced.shape, len(self._shapes)) if self._worst else 0
        able = (seen.priced.cost, seen.used, seen.priced.worth, shape)
        if not any(_outdoes(held, able) for held in self._cheapest):
            self._cheapest = [held for held in self._cheapest if not _outdoes(able, held)]
            insort(self._cheapest, able)
        bound = (-seen.priced.least, seen.offered, seen.used)
        if not any(_tells_more(held, bound) for held in self._dearest):
            self._dearest = [held for held in self._dearest if not _tells_more(bound, held)]
            insort(self._dearest, bound)

    def guess(self, forms: int, lowest: float) -> tuple[float, float]:
        """The worth of the best plan that the indexes allow, and what another could come down to: `lowest` if nothing tells."""
        worth, limit = 0.0, -1.0
        counted: set[int] = set()
        for cost, used, value, shape in self._cheapest:
            if cost > limit >= 0.0:
                break
            if used & forms == used and shape not in counted:
                counted.add(shape)
                worth = max(worth, value)
                if limit < 0.0:
                    limit = NEAR * cost if self._worst else 0.0
        floor = None
        for below, offered, used in self._dearest:
            if forms & offered == forms:
                if used & forms == used:
                    return worth, worth
                floor = -below if floor is None else floor
        return worth, min(worth, lowest if floor is None else floor)

    def floor(self, forms: int, lowest: float) -> float:
        """What the statement costs at least under these indexes: no less than with more; `lowest` if nothing tells."""
        return next((-below for below, offered, _ in self._dearest if forms & offered == forms), lowest)


def _shape(node: Node) -> tuple[Any, ...]:
    kind = "Index Scan" if node.type == "Index Only Scan" else node.type
    found = (node.alias, node.index_cond, node.filter, node.join_type, node.join_cond)
    return (kind, node.strategy, *found, node.sort_key, node.group_key, *map(_shape, node.children))


def _outdoes(one: tuple[float, int, float, int], other: tuple[float, int, float, int]) -> bool:
    """Whether one plan is possible wherever the other is, and counts there in its place."""
    (cost, used, _, shape), (other_cost, other_used, _, other_shape) = one, other
    counts = other_cost > NEAR * cost or (cost <= other_cost and shape == other_shape)
    return counts and used & other_used == used


def worst_of(possible: Iterable[Priced], least: float) -> float:
    """The worth of the worst plan that may be taken where the planner's own costs him `least`."""
    first: dict[tuple[Any, ...], Priced] = {}
    for priced in sorted(possible, key=lambda item: item.cost):
        if priced.cost > NEAR * least:
            break
        first.setdefault(priced.shape, priced)
    return max(priced.worth for priced in first.values())


def _tells_more(one: tuple[float, int, int], other: tuple[float, int, int]) -> bool:
    """Whether one EXPLAIN settles and bounds all that the other does, and no lower."""
    (below, offered, used), (other_below, other_offered, other_used) = one, other
    return below <= other_below and other_offered & offered == other_offered and used & other_used == used
