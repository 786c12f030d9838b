"""Greedy choice of indexes by benefit per byte, adding or widening one index (or one team) at a time.

After R. Schlosser, J. Kossmann, M. Boissier: Efficient Scalable Multi-Attribute Index Selection Using
Recursive Strategies (ICDE 2019). Different here: candidates are those the planner itself picked, as in
DB2Advis (G. Valentin et al., ICDE 2000); indexes that only pay together may come as one team; a lazy queue
with upper bounds (M. Minoux, 1978) saves most pricing; and at the end members are exchanged while that helps.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection
from itertools import combinations

from ..cost import WorkloadCost
from ..definition import IndexDef
from ..what_if import Config

MIN_STATEMENT_GAIN = 0.05
MIN_WORKLOAD_GAIN = 0.005
MIN_SHARED_GAIN = 0.03
MAX_REGRESSION = 1.1
_EXCHANGE_GAIN = 0.002
_MERGE_LOSS = 0.01

Team = frozenset[IndexDef]


def select(
    teams: Collection[Team],
    merged: Collection[IndexDef],
    workload: WorkloadCost,
    budget: int,
    late: Callable[[], bool],
) -> Config:
    """The configuration found when nothing helps any more or `late()` says that time is up.

    `teams` may be added together; `merged` are candidates that may take the place of two indexes of their
    table. Its size is at most `budget` bytes, no statement gets more than 10 % dearer than without new
    indexes, and every index is used by some plan.
    """
    search = _Search(sorted(teams, key=_team_order), workload, budget, late)
    config = search.exchanged(search.pruned(search.filled(frozenset())))
    return search.pruned(search.consolidated(config, sorted(merged, key=IndexDef.order_key)))


def sorted_too(config: Config, sorting: Collection[IndexDef], workload: WorkloadCost, budget: int) -> Config:
    """The configuration with indexes that also sort for a LIMIT in the place of narrower ones.

    The planner's costs are averages: for a popular value there are far more rows to sort than it thinks. So
    such an index is preferred when no statement's cost grows by more than 10 % with it.
    """
    for wide in sorted(sorting, key=IndexDef.order_key):
        for narrow in sorted(config, key=IndexDef.order_key):
            kept = {key.term for key in narrow.columns} <= {key.term for key in wide.columns}
            if not kept or narrow.place != wide.place or narrow.include or narrow.where is not None:
                continue
            trial = config - {narrow} | {wide}
            grown = workload.largest_growth(config, trial)
            if wide not in config and workload.bytes(trial) <= budget and grown <= MAX_REGRESSION:
                config = trial
    return config


class _Search:
    def __init__(
        self, teams: list[Team], workload: WorkloadCost, budget: int, late: Callable[[], bool]
    ) -> None:
        self._teams = teams
        self._workload = workload
        self._budget = budget
        self._late = late
        self._start = workload.total(frozenset())

    def filled(self, config: Config, banned: Team = frozenset()) -> Config:
        """The configuration plus whatever still pays, best benefit per byte first."""
        queue: list[tuple[float, int, int]] = []
        for number, team in enumerate(self._teams):
            other = joined(config, team - banned)
            if other != config:
                bound = self._workload.most(config, team)
                queue.append((-bound / self._workload.added_bytes(config, other), number, -1))
        heapq.heapify(queue)
        step = 0
        while queue and not self._late():
            score, number, priced_at = heapq.heappop(queue)
            other = joined(config, self._teams[number] - banned)
            if other == config or self._workload.bytes(other) > self._budget or score >= 0:
                continue
            if priced_at == step:
                config, step = other, step + 1
                continue
            worth = self._worth(config, other)
            if worth > 0:
                heapq.heappush(queue, (-worth, number, step))
        return config

    def pruned(self, config: Config) -> Config:
        """Without the indexes that no plan uses and those whose loss hardly hurts, largest first."""
        for index in sorted(config, key=lambda x: (-self._workload.size(x), x.order_key())):
            rest = config - {index}
            loss = self._workload.change(rest, config)
            if not self._pays(loss.gain, loss.best_share):
                config = rest
        return config

    def exchanged(self, config: Config) -> Config:
        """Leave out one index, fill up again without it, keep the result when it is better."""
        improved = True
        while improved and not self._late():
            improved = False
            for index in sorted(config, key=lambda x: (-self._workload.size(x), x.order_key())):
                trial = self.pruned(self.filled(config - {index}, frozenset({index})))
                change = self._workload.change(config, trial)
                if change.gain > _EXCHANGE_GAIN * self._start and change.worst_ratio <= MAX_REGRESSION:
                    config, improved = trial, True
                    break
                if self._late():
                    break
        return config

    def consolidated(self, config: Config, merged: list[IndexDef]) -> Config:
        """Put one index in the place of two of its table where hardly anything is lost."""
        for first, second in combinations(sorted(config, key=IndexDef.order_key), 2):
            if not {first, second} <= config or first.place != second.place or self._late():
                continue
            keys = {*first.columns, *second.columns}
            pair = frozenset({first, second})
            best: tuple[float, Config] | None = None
            for candidate in merged:
                trial = config - pair | {candidate}
                fits = candidate.place == first.place and keys >= set(candidate.columns)
                if not fits or self._workload.bytes(trial) >= self._workload.bytes(config):
                    continue
                change = self._workload.change(config, trial)
                small_loss = change.gain >= -MIN_WORKLOAD_GAIN * self._start
                if (
                    small_loss
                    and change.largest_loss <= _MERGE_LOSS
                    and (best is None or change.gain > best[0])
                ):
                    best = (change.gain, trial)
            config = best[1] if best is not None else config
        return config

    def _worth(self, config: Config, other: Config) -> float:
        change = self._workload.change(config, other)
        if change.worst_ratio > MAX_REGRESSION or not self._pays(change.gain, change.best_share):
            return 0.0
        return change.gain / self._workload.added_bytes(config, other)

    def _pays(self, gain: float, best_share: float) -> bool:
        large = gain >= MIN_WORKLOAD_GAIN * self._start and best_share >= MIN_SHARED_GAIN
        return gain > 0 and (best_share >= MIN_STATEMENT_GAIN or large)


def joined(config: Config, team: Team) -> Config:
    """The configuration with a team: members already served stay out, narrower ones go."""
    fresh = {new for new in team if not any(old.extends(new) for old in config)}
    return frozenset(old for old in config if not any(new.extends(old) for new in fresh)) | fresh


def _team_order(team: Team) -> tuple[int, list[tuple[str, str]]]:
    return (len(team), sorted(index.order_key() for index in team))
