"""What a choice of indexes must keep to: the budget, the time, and which gains count."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeVar

from ..cost import LEAST_WINDOW_MS, Change, WorkloadCost
from ..definition import Config, IndexDef

MIN_STATEMENT_GAIN = 0.05
MIN_WORKLOAD_GAIN = 0.005
MIN_SHARED_GAIN = 0.03
MAX_REGRESSION = 1.1
# What a search may do to a statement: more plans are seen later, and what it is judged by gets no better by them.
SEARCHED_REGRESSION = 1.07
# An index may win more once others are there that let the plan use it.
_SLACK = 1.5

T = TypeVar("T")

Team = frozenset[IndexDef]


class Problem:
    """A workload, the bytes allowed, and the time; every step of a search asks it whether a change is worth having."""

    def __init__(
        self,
        workload: WorkloadCost,
        budget: int,
        late: Callable[[], bool],
        allows: Callable[[Config], bool] = lambda config: True,
    ) -> None:
        self.workload = workload
        self.budget = budget
        self.late = late
        self.allows = allows
        self.start = workload.total(frozenset())
        self._seen: dict[Team, dict[Config, float]] = {}

    def fits(self, config: Config) -> bool:
        """Whether a configuration keeps to the budget and to the numbers allowed."""
        return self.workload.bytes(config) <= self.budget and self.workload.allows(config)

    def added(self, config: Config, team: Team) -> float:
        """Weighted ms won by a team on top of a configuration; 0 where that is not worth having."""
        change = self.workload.change(config, joined(config, team))
        self._seen.setdefault(team, {})[config] = change.gain
        if change.worst_ratio > SEARCHED_REGRESSION or not self.pays(change):
            return 0.0
        return change.gain

    def bound(self, config: Config, team: Team) -> float:
        """What a team may be expected to win on top of a configuration: hardly more than on top of less."""
        before = self._seen.get(team, {})
        known = min((gain for held, gain in before.items() if held <= config), default=math.inf)
        if known < math.inf:
            return max(_SLACK * known, 0.0)
        return self.workload.likely(config, joined(config, team))

    def pays(self, change: Change) -> bool:
        """Whether a gain counts: 5 % of one statement whose calls notice it, or 0.5 % of the workload with 3 % of one."""
        least = max(MIN_WORKLOAD_GAIN * self.start, LEAST_WINDOW_MS)
        large = change.time >= least and change.best_share >= MIN_SHARED_GAIN
        return change.gain > 0 and (change.noticed_share >= MIN_STATEMENT_GAIN or large)


@lru_cache(maxsize=100_000)
def joined(config: Config, team: Team) -> Config:
    """The configuration with a team. Remembered for one search."""
    near = config | team
    return with_team(
        config,
        team,
        lambda new: [old for old in near if old.extends(new)],
        lambda new: [old for old in near if new.extends(old)],
    )


def with_team(
    held: Iterable[T],
    team: Iterable[T],
    wider: Callable[[T], Iterable[T]],
    narrower: Callable[[T], Iterable[T]],
) -> frozenset[T]:
    """A set with a team: members already served by a wider one stay out, those that they serve go."""
    kept = set(held)
    for new in team:
        if new not in kept and kept.isdisjoint(wider(new)):
            kept.difference_update(narrower(new))
            kept.add(new)
    return frozenset(kept)


def by_size(problem: Problem, config: Config) -> list[IndexDef]:
    """Its indexes, the largest first, in an order that is always the same."""
    return sorted(config, key=lambda index: (-problem.workload.size(index), index.order_key()))


def team_order(team: Team) -> tuple[int, list[tuple[str, str]]]:
    """A total order over teams."""
    return (len(team), sorted(index.order_key() for index in team))
