"""What the plans seen of one statement tell of sets of indexes that nobody asked the planner for."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass

from ..plan import Plan
from .definition import Config

# A plan this little dearer than the one the planner takes may be the one he takes after the next ANALYZE.
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
        self._cheapest: list[tuple[float, int, float]] = []  # cost, used, worth
        self._dearest: list[
            tuple[float, int, int]
        ] = []  # what any other costs at least (negative), offered, used

    def add(self, seen: PlanSeen) -> None:
        """Take a plan in, and leave those out that can decide nothing beside it."""
        able = (seen.priced.cost, seen.used, seen.priced.worth)
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
        for cost, used, value in self._cheapest:
            if cost > limit >= 0.0:
                break
            if used & forms == used:
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


def _outdoes(one: tuple[float, int, float], other: tuple[float, int, float]) -> bool:
    """Whether one plan is possible wherever the other is, and counts there in its place."""
    (cost, used, worth), (other_cost, other_used, other_worth) = one, other
    counts = other_cost > NEAR * cost or (cost <= other_cost and worth >= other_worth)
    return counts and used & other_used == used


def _tells_more(one: tuple[float, int, int], other: tuple[float, int, int]) -> bool:
    """Whether one EXPLAIN settles and bounds all that the other does, and no lower."""
    (below, offered, used), (other_below, other_offered, other_used) = one, other
    return below <= other_below and other_offered & offered == other_offered and used & other_used == used
