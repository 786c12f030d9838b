"""The choice of a set: greedy from several views of what a byte is worth, then exchanges, then fewer indexes."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..cost import WorkloadCost
from ..definition import IndexDef
from ..what_if import Config
from .exchange import exchanged
from .greedy import filled, pruned
from .merge import consolidated
from .problem import MAX_REGRESSION, Problem, Team, team_order

# Benefit per byte alone leaves no room for a large index that is worth more than the small ones before it.
_THRIFTS = (1.0, 0.5)


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
    problem = Problem(workload, budget, late)
    ordered = sorted(teams, key=team_order)
    found: list[Config] = []
    for thrift in _THRIFTS:
        if not found or not late():
            found.append(pruned(problem, filled(problem, ordered, frozenset(), thrift=thrift)))
    config = exchanged(problem, ordered, min(found, key=workload.total))
    return pruned(problem, consolidated(problem, config, merged))


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
