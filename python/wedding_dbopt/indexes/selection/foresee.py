"""Better sets by what is known of plans: thousands of changes are tried by the plans seen, and only the outcome is priced.

The set that looks best is priced, which tells more plans, and so on. The changes are tried by simulated annealing
(S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, 1983).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from ..definition import Config
from .board import Board, Numbers, View
from .greedy import filled, pruned
from .problem import SEARCHED_REGRESSION, Problem, Team

# Of what an unknown plan could spare so much is believed, so that what may be good gets priced; in the end nothing is.
_DOUBTS = (0.3, 0.15, 0.05, 0.0)
_TURNS = 2
MOST_ROUNDS = 12
ONE_TURN = len(_DOUBTS)
_LEAST_GAIN = 0.001
# Annealing: a step that makes the workload so much dearer is taken about one time in three, in the beginning and in the end.
_ASK_EVERY = 4
_LEAST_STEPS, _STEPS_PER_TEAM = 200, 8
MOST_STEPS_OF_FEW, MOST_STEPS = 1000, 2000
_HEATS, _COLD = (3e-3, 1e-3), 3e-5
_NARROW, _LEAVE, _SWAP = 0.1, 0.3, 0.65


def foreseen(
    problem: Problem,
    teams: Sequence[Team],
    *starts: Config,
    rounds: int = MOST_ROUNDS,
    steps: int = MOST_STEPS,
) -> Config:
    """The best configuration found from several starts, until turns through all doubts brought nothing or the time is up.

    Each of the `rounds` tries `steps` changes at most, fewer for few teams.
    """
    best = min(starts, key=problem.workload.total)
    if not teams:
        return best
    board = Board(problem, teams, starts)
    begun = list(dict.fromkeys(starts))
    failed = 0
    for number in range(rounds):
        if problem.late() or failed == _TURNS * len(_DOUBTS):
            break
        start = begun[number] if number < len(begun) else best
        view = View(board, _DOUBTS[number % len(_DOUBTS)])
        heat = _HEATS[number // len(_DOUBTS) % len(_HEATS)]
        trial = annealed(board, view, board.numbers(start), random.Random(number), heat, steps)
        better = preferred(problem, best, board.config(trial))
        failed = failed + 1 if better == best else 0
        best = better
    return preferred(problem, best, pruned(problem, filled(problem, teams, best)))


def preferred(problem: Problem, config: Config, trial: Config) -> Config:
    """The trial where it is worth the change, else the configuration."""
    if trial == config:
        return config
    workload = problem.workload
    change = workload.change(config, trial)
    # Of what is left: what a single runaway statement took before says nothing of the others.
    helps = change.gain > _LEAST_GAIN * workload.time(config) and change.worst_ratio <= SEARCHED_REGRESSION
    return trial if helps and problem.allows(trial) and workload.allows(trial) else config


def annealed(
    board: Board, view: View, held: Numbers, chance: random.Random, heat: float, most: int = MOST_STEPS
) -> Numbers:
    """The best set that many small changes lead to, at a falling heat; `most` of them."""
    best, total, lowest = held, 0.0, 0.0
    start = board.problem.workload.time(board.config(held))
    steps = min(max(_STEPS_PER_TEAM * len(board.teams), _LEAST_STEPS), most)
    for step in range(steps):
        if step % _ASK_EVERY == 0 and board.problem.late():
            break
        trial = _changed(board, held, chance)
        if trial == held:
            continue
        change = view.change(held, trial)
        if isinstance(change, str) and trial - held:
            # What would harm a statement may not beside an index that serves it better.
            trial = _fitting(board, view.relief(change, trial, chance), held, chance) or held
            change = view.change(held, trial)
        if isinstance(change, str):
            continue
        borne = start * heat * (_COLD / heat) ** (step / steps)
        if change > 0 and (change > 20 * borne or chance.random() >= math.exp(-change / borne)):
            continue
        held, total = trial, total + change
        if total < lowest - 1e-9 and board.allows(held):
            best, lowest = held, total
    return best


def _changed(board: Board, held: Numbers, chance: random.Random) -> Numbers:
    """One index narrower or less, one team more, or both; and as much less as makes room."""
    luck = chance.random()
    kept = set(held)
    if kept and luck < _SWAP:
        gone = chance.choice(sorted(kept))
        kept.discard(gone)
        if luck < _NARROW:
            kept.update(chance.sample(sorted(board.narrower[gone]), min(len(board.narrower[gone]), 1)))
    adds = luck >= _LEAVE or luck < _NARROW / 2
    team = chance.choice(board.teams) if adds else []
    return _fitting(board, board.joined(kept, team), held.difference(team), chance) or held


def _fitting(board: Board, wanted: Numbers, spare: Numbers, chance: random.Random) -> Numbers:
    """As much of what is wanted as has room, without some of what is to spare; nothing if the rest is too large."""
    excess = board.size(wanted) - board.problem.budget
    kept, gone = set(wanted), sorted(spare & wanted) if excess > 0 else []
    while excess > 0 and gone:
        number = gone.pop(chance.randrange(len(gone)))
        kept.discard(number)
        excess -= board.size([number])
    return frozenset(kept) if excess <= 0 else frozenset()
