"""What a configuration of indexes is worth to a workload, in milliseconds of its time window.

A statement's time under a configuration is its measured time scaled by the ratio of the planner's costs. So
costs decide how much faster a statement gets, and measurements decide how much that matters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from statistics import median

from .definition import Config, IndexDef
from .size import PAGE
from .what_if import WhatIf

IMPORTANCE = {"critical": 4.0, "high": 2.0, "medium": 1.0, "low": 0.5}
MS_PER_COST_UNIT = 0.01
# Inserting 200,000 rows took 0.003 to 0.008 ms longer per row for each B-tree (PostgreSQL 15, all in cache).
_ENTRY_MS = 0.005
_MORE_MS_PER_CACHE = 0.001
# CPU time of 200,000 inserted rows against a B-tree on random keys: GIN by words of an array 0.4, by trigrams of 32 letters 6.
ENTRIES = {"btree": 1.0, "hash": 0.4, "brin": 0.05, "gist": 4.0, "gin": 6.0}
# Of what an index could win at most for a statement whose plan with it is not known, so much is expected.
_DOUBT = 0.25
_LEAST_RATIO = 0.001
_USUAL_SPREAD = 2.0
# What nobody measured is believed up to here: ten seconds of a statement.
_BELIEVED_MS = 10_000.0
# Less is lost in what a call takes between client and server; and so little over all the time watched is nobody's loss.
_LEAST_CALL_MS = 0.1
LEAST_WINDOW_MS = 10.0
_CACHED_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True)
class WriteRate:
    """Rows written to a table per second; `hot_updates` are those that touched no index."""

    inserts: float = 0.0
    updates: float = 0.0
    deletes: float = 0.0
    hot_updates: float = 0.0


@dataclass(frozen=True)
class Weight:
    """A statement's time without any new index (ms in the window), how much one ms of it counts, and its calls.

    `observed` tells that the calls were really made.
    """

    ms: float
    importance: float
    calls: float = 1.0
    observed: bool = False

    def notices(self, saved_ms: float) -> bool:
        """Whether a call, and all that were observed together, gets faster by more than is lost elsewhere."""
        least = max(_LEAST_CALL_MS * self.calls, LEAST_WINDOW_MS if self.observed else 0.0)
        return saved_ms > 0 and saved_ms >= least


@dataclass(frozen=True)
class Change:
    """From one configuration to another.

    `gain` is weighted ms, upkeep included, and `time` the same without what relative gains count for; `best_share` is the
    best relative win of a statement, `noticed_share` of one whose calls get faster by what can be noticed;
    `worst_ratio` the worst cost after over the cost without any index, of the statements that get dearer;
    `largest_loss` the largest growth of that ratio.
    """

    gain: float
    time: float
    best_share: float
    noticed_share: float
    worst_ratio: float
    largest_loss: float


def entry_ms(size_bytes: float) -> float:
    """The ms to put one entry into a B-tree of this size: a base, and more the less of it is cached."""
    return _ENTRY_MS + _MORE_MS_PER_CACHE * size_bytes / _CACHED_BYTES


def write_ms(size_bytes: float, rate: WriteRate, updates_of_keys: float, window_seconds: float) -> float:
    """What keeping an index up to date costs in a window, in ms.

    `updates_of_keys` counts the updates in the window that set one of its columns: they write an entry even
    where the server could do without today (a lost heap-only update).
    """
    moved = max(max(rate.updates - rate.hot_updates, 0.0) * window_seconds, updates_of_keys)
    return (rate.inserts * window_seconds + moved) * entry_ms(size_bytes)


def balanced(costs: Mapping[str, float], believed: float = 0.0) -> dict[str, float]:
    """Costs that stand for times nobody measured: none of the dear half counts more than all cheaper ones together.

    A runaway join can be guessed at a thousand times all other statements, which would then not count at all. Up to what
    is `believed` a cost counts as it is.
    """
    found: dict[str, float] = {}
    for number, key in enumerate(sorted(costs, key=lambda key: (costs[key], key))):
        lighter = sum(found.values())
        found[key] = costs[key] if number < (len(costs) + 1) // 2 else min(costs[key], max(lighter, believed))
    return found


def believed_cost(rate: float) -> float:
    """The planner's cost that is believed of a statement that nobody measured; `rate` is the ms of one unit."""
    return _BELIEVED_MS / rate


def usual_rate(means: Mapping[str, float], costs: Mapping[str, float]) -> float:
    """The ms that one unit of the planner's cost takes in a workload, by the measured means; a guess without any."""
    rates = [mean / max(costs[key], 1e-6) for key, mean in means.items()]
    return median(rates) if rates else MS_PER_COST_UNIT


def credited(mean_ms: float, explained_ms: float) -> float:
    """The ms of a call that an index may be credited with; `explained_ms` is the planner's cost at the usual rate.

    Where a statement takes more than twice that, the planner does not know what takes the time, as in aggregates of long
    numbers or behind wrong row counts, and the ratio of two of his costs says little of it. Then the geometric middle counts.
    """
    return min(mean_ms, math.sqrt(mean_ms * _USUAL_SPREAD * explained_ms))


class WorkloadCost:
    """The weighted time of a workload under configurations. All statements must have a plan already."""

    def __init__(
        self,
        what_if: WhatIf,
        weights: Mapping[str, Weight],
        size: Callable[[IndexDef], int],
        upkeep: Callable[[IndexDef], float],
        allows: Callable[[Config], bool] = lambda config: True,
    ) -> None:
        self._what_if = what_if
        self.allows = allows
        self._weights = weights
        # Sizes and rates stand still while a set is sought.
        self.size = cache(size)
        self.upkeep = cache(upkeep)
        self._bytes: dict[Config, int] = {}
        self._base = {key: max(what_if.cost(key, frozenset()).worth, 1e-6) for key in weights}
        self._concerned: dict[IndexDef, tuple[str, ...]] = {}
        self._leaning = 0.0

    def leaning(self, share: float) -> WorkloadCost:
        """The same workload, where relative gains count too: `share` of a mean statement's time for each factor of e."""
        found = copy(self)
        found._leaning = (
            share * sum(self._weighted(key) for key in self._weights) / max(len(self._weights), 1)
        )
        return found

    def forms(self, index: IndexDef) -> dict[str, int]:
        """What an index amounts to for each statement that it may change."""
        found = ((key, self._what_if.form(key, index)) for key in self.concerned([index]))
        return {key: form for key, form in found if form}

    def guess(self, key: str, forms: int, doubt: float) -> tuple[float, float]:
        """The weighted ms of a statement under indexes by the plans seen so far, and its ratio to what it takes without any."""
        ratio = self._what_if.guess(key, forms, doubt) / self._base[key]
        return self._worth(key, ratio), ratio

    @property
    def alone(self) -> bool:
        """Whether the workload is a single statement."""
        return len(self._weights) == 1

    def concerned(self, indexes: Iterable[IndexDef]) -> list[str]:
        """The statements that some of the indexes may change, in the workload's order."""
        found: set[str] = set()
        for index in indexes:
            if index not in self._concerned:
                keys = tuple(key for key in self._weights if self._what_if.concerns(key, index))
                self._concerned[index] = keys
            found.update(self._concerned[index])
        return [key for key in self._weights if key in found]

    def ratio(self, key: str, config: Config) -> float:
        """The statement's cost under a configuration over its cost without."""
        return self._what_if.cost(key, config).worth / self._base[key]

    def hurt(self, config: Config, most: float) -> list[str]:
        """The statements whose ratio is above the most allowed."""
        return [key for key in self._weights if self.ratio(key, config) > most]

    def used(self, key: str, config: Config) -> Config:
        """The indexes of a configuration that the statement's plan uses."""
        return self._what_if.used(key, config)

    def total(self, config: Config) -> float:
        """Weighted ms of the whole workload, upkeep of the indexes included."""
        read = sum(self._worth(key, self.ratio(key, config)) for key in self._weights)
        return read + self._kept(config)

    def time(self, config: Config) -> float:
        """The same without what relative gains count for: never negative."""
        read = sum(self._weighted(key) * self.ratio(key, config) for key in self._weights)
        return read + self._kept(config)

    def bytes(self, config: Config) -> int:
        """Estimated bytes of a configuration."""
        found = self._bytes.get(config)
        if found is None:
            found = self._bytes[config] = sum(map(self.size, config))
        return found

    def likely(self, config: Config, other: Config) -> float:
        """What going to a larger configuration wins, guessed where it is not known: a part of the most it can win there."""
        total = 0.0
        for key in self.concerned(other - config):
            now = self.ratio(key, config)
            if self._what_if.settled(key, other):
                won = self._worth(key, now) - self._worth(key, self.ratio(key, other))
            else:
                least = self._what_if.floor(key, other) / self._base[key]
                won = _DOUBT * (self._worth(key, now) - self._worth(key, least))
            total += max(won, 0.0)
        return total

    def known(self, config: Config) -> bool:
        """Whether the plans of all statements under a configuration are known without another EXPLAIN."""
        return all(self._what_if.settled(key, config) for key in self._weights)

    def left(self, config: Config, descents: bool = True) -> tuple[float, float]:
        """What the best plans seen would win beside a configuration: weighted ms, and the best relative win of a statement.

        What the planner does not know is left out of their costs, and the `descents` where wanted.
        """
        gain, best = 0.0, 0.0
        for key in self._weights:
            now, least = self.ratio(key, config), self._what_if.best(key, descents) / self._base[key]
            gain += max(self._worth(key, now) - self._worth(key, least), 0.0)
            best = max(best, 1.0 - least / now)
        return gain, best

    def change(self, config: Config, other: Config) -> Change:
        """What going from one configuration to the other brings."""
        gain, time, best, noticed, worst, loss = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for key in self.concerned(config ^ other):
            before, after = self.ratio(key, config), self.ratio(key, other)
            gain += self._worth(key, before) - self._worth(key, after)
            time += self._weighted(key) * (before - after)
            best = max(best, 1.0 - after / before)
            if self._weights[key].notices(self._weights[key].ms * (before - after)):
                noticed = max(noticed, 1.0 - after / before)
            worst = max(worst, after if after > before else 0.0)
            loss = max(loss, after - before)
        kept = self.added_upkeep(config, other)
        return Change(gain - kept, time - kept, best, noticed, worst, loss)

    def largest_growth(self, config: Config, other: Config) -> float:
        """The largest ratio of a statement's cost under the other configuration to that under this one."""
        keys = self.concerned(config ^ other)
        return max((self.ratio(key, other) / self.ratio(key, config) for key in keys), default=1.0)

    def added_bytes(self, config: Config, other: Config) -> int:
        """Bytes the other configuration takes more, at least one page so that a ratio makes sense."""
        return max(self.bytes(other - config) - self.bytes(config - other), PAGE)

    def added_upkeep(self, config: Config, other: Config) -> float:
        """What the other configuration costs more to be kept up to date, in ms."""
        return self._kept(other - config) - self._kept(config - other)

    def _kept(self, config: Config) -> float:
        """The upkeep of a configuration's indexes, summed in an order that is always the same."""
        return sum(self.upkeep(index) for index in sorted(config, key=IndexDef.order_key))

    def _worth(self, key: str, ratio: float) -> float:
        plain = self._weighted(key) * ratio
        leans = self._leaning and plain > 0  # what nobody calls gains nothing
        return plain + self._leaning * math.log(max(ratio, _LEAST_RATIO)) if leans else plain

    def _weighted(self, key: str) -> float:
        return self._weights[key].ms * self._weights[key].importance
