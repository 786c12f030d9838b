"""Better sets by chance: a few indexes out, a few others in, the room filled up again; kept where it helps.

Single exchanges end where two or three indexes would have to change at once. The numbers drawn are the same in every run,
so the same workload gets the same answer (iterated local search, H. Lourenço, O. Martin, T. Stützle, 2003).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from ..definition import IndexDef
from ..what_if import Config
from .exchange import preferred
from .greedy import filled, pruned
from .problem import MAX_REGRESSION, Problem, Team, joined

_SEED = 1
_PATIENCE = 20
_ROUNDS_PER_INDEX = 4
# A little worse is taken too, to get past what is as good; the best found is kept.
_SIDEWAYS = 0.0005
_MOST_OUT = 4
_MOST_IN = 2
_THRIFTS = (1.0, 1.0, 0.75, 0.5)


def shaken(problem: Problem, teams: Sequence[Team], config: Config) -> Config:
    """The best configuration found until many rounds in turn brought nothing, or the time is up."""
    # Seeded: a choice of indexes is no secret, and it must come out the same each time.
    chance = random.Random(_SEED)
    patience = min(_PATIENCE, _ROUNDS_PER_INDEX * len(config))
    rest, best = patience, config
    while rest and not problem.late():
        trial = _changed(problem, teams, config, chance)
        change = problem.workload.change(config, trial)
        if change.gain > -_SIDEWAYS * problem.start and change.worst_ratio <= MAX_REGRESSION:
            config = trial
        better = preferred(problem, best, config)
        rest = rest - 1 if better == best else patience
        best = better
    return best


def _changed(problem: Problem, teams: Sequence[Team], config: Config, chance: random.Random) -> Config:
    held = sorted(config, key=IndexDef.order_key)
    out = frozenset(chance.sample(held, min(chance.randint(1, _MOST_OUT), len(held))))
    trial = config - out
    for team in chance.choices(teams, k=chance.randint(0, _MOST_IN)):
        wider = joined(trial, team)
        trial = wider if problem.fits(wider) else trial
    banned = out if chance.random() < 0.5 else frozenset[IndexDef]()
    return pruned(problem, filled(problem, teams, trial, banned, chance.choice(_THRIFTS)))
