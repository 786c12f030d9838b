"""The choice of a set: greedy from several views of what a byte is worth, exchanges foreseen by the plans seen, then a turn for
the statements that count little, then fewer indexes. Of many statements the exchanges begin with nothing: to price each step
of a greedy choice for them takes more plans than the whole search may."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from ..cost import WorkloadCost
from ..definition import Config, IndexDef
from .alone import chosen_alone
from .foresee import MOST_ROUNDS, MOST_STEPS, MOST_STEPS_OF_FEW, ONE_TURN, foreseen
from .greedy import filled, pruned
from .merge import consolidated
from .problem import MAX_REGRESSION, Problem, Team, joined, team_order

# Benefit per byte alone leaves no room for a large index that is worth more than the small ones before it.
_THRIFTS = (1.0, 0.75)
# Once the workload's time is settled, so much of it may go for large relative gains of single statements,
# and so much of a mean statement's time a statement counts for when its time falls to a third.
GIVEN_UP = 0.01
_LEANING = 0.1
# Each step leaves something of the time and the plans for those after it.
_UNTIL = (0.7, 1.0)


def select(
    teams: Collection[Team],
    merged: Collection[IndexDef],
    workload: WorkloadCost,
    budget: int,
    late: Callable[[float], bool],
    few: bool,
    given_up: float = GIVEN_UP,
    held: Config = frozenset(),
) -> Config:
    """The configuration found when nothing helps any more or `late(1.0)` says that time is up;
    `late(0.5)` tells whether half of it is gone.

    `teams` may be added together; `merged` are candidates that may take the place of two indexes of their
    table. Its size is at most `budget` bytes, no statement gets more than 7 % dearer than without new
    indexes, and every index is used by some plan. With `given_up` 0 the sum of the statements' times alone decides.
    A search that goes on begins with what is `held`, one of many statements, which are not `few`, with nothing.
    """
    try:
        return _selected(teams, merged, workload, budget, late, few, given_up, held)
    finally:
        joined.cache_clear()  # a session may live for weeks


def _selected(
    teams: Collection[Team],
    merged: Collection[IndexDef],
    workload: WorkloadCost,
    budget: int,
    late: Callable[[float], bool],
    few: bool,
    given_up: float,
    held: Config,
) -> Config:
    first, last = (Problem(workload, budget, partial(late, part)) for part in _UNTIL)
    ordered = sorted(teams, key=team_order)
    if workload.alone and (config := chosen_alone(last, ordered)) is not None:
        return consolidated(last, config, merged)
    steps = MOST_STEPS_OF_FEW if few else MOST_STEPS
    # A search that goes on has only to mend what was learned of the chosen set.
    rounds = ONE_TURN if held else MOST_ROUNDS
    starts = _greedy(first, last, ordered) if few and not held else [held]
    config = foreseen(first, ordered, *starts, rounds=rounds, steps=steps)
    if given_up:
        config = foreseen(_leaning(last, config, given_up), ordered, config, rounds=rounds, steps=steps)
    return pruned(last, consolidated(last, config, merged))


def _greedy(first: Problem, last: Problem, teams: Sequence[Team]) -> list[Config]:
    """What is filled up by several views of what a byte is worth."""
    found: list[Config] = []
    for thrift in _THRIFTS:
        if not found or not first.late():
            step = first if found else last
            found.append(pruned(step, filled(step, teams, frozenset(), thrift=thrift)))
    return found


def _leaning(problem: Problem, config: Config, given_up: float) -> Problem:
    """The problem of relative gains, as long as the workload's time hardly grows."""
    most = (1 + given_up) * problem.workload.total(config)
    plain = problem.workload
    return Problem(
        plain.leaning(_LEANING), problem.budget, problem.late, lambda trial: plain.total(trial) <= most
    )


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
