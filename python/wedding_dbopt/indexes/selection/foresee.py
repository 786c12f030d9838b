"""Better sets by what is known of plans: thousands of changes are tried by the plans seen, and only the outcome is priced.

A plan that was seen is possible under every set that has its indexes, so the best possible one tells what a statement costs at
most, without an EXPLAIN. The set that looks best is then priced, which tells more plans, and so on. The changes are tried
by simulated annealing (S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, 1983). Costs put together from plans seen are those of
INUM (S. Papadomanolakis, D. Dash, A. Ailamaki, 2007).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from ..definition import Config
from .greedy import filled, pruned
from .problem import SEARCHED_REGRESSION, Problem, Team

# Of what an unknown plan could spare so much is believed, so that what may be good gets priced; in the end nothing is.
_DOUBTS = (0.3, 0.15, 0.05, 0.0)
_TURNS = 2
_ROUNDS = 12
_ASK_EVERY = 64
_LEAST_STEPS, _MOST_STEPS, _STEPS_PER_TEAM = 200, 1000, 8
# A step that makes the workload so much dearer is taken about one time in three, in the beginning and in the end.
_HOT, _COLD = 3e-3, 3e-5
_NARROW, _LEAVE, _SWAP = 0.1, 0.3, 0.65
_LEAST_GAIN = 0.001


def foreseen(problem: Problem, teams: Sequence[Team], *starts: Config) -> Config:
    """The best configuration found from several starts until a turn through all doubts brought nothing, or the time is up."""
    best = min(starts, key=problem.workload.total)
    if not teams:
        return best
    board = _Board(problem, teams, starts)
    begun = dict.fromkeys((*starts, best))
    failed = 0
    for number in range(_ROUNDS):
        if problem.late() or failed == _TURNS * len(_DOUBTS):
            break
        start = list(begun)[number] if number < len(begun) else best
        trial = board.annealed(start, _DOUBTS[number % len(_DOUBTS)], random.Random(number))
        better = best if trial == best else preferred(problem, best, trial)
        failed = failed + 1 if better == best else 0
        best = better
    return preferred(problem, best, pruned(problem, filled(problem, teams, best)))


def preferred(problem: Problem, config: Config, trial: Config) -> Config:
    """The trial where it is worth the change, else the configuration."""
    workload = problem.workload
    change = workload.change(config, trial)
    # Of what is left: what a single runaway statement took before says nothing of the others.
    helps = change.gain > _LEAST_GAIN * workload.time(config) and change.worst_ratio <= SEARCHED_REGRESSION
    return trial if helps and problem.allows(trial) and workload.allows(trial) else config


class _Board:
    """The indexes of a search by number, with what each amounts to for each statement."""

    def __init__(self, problem: Problem, teams: Sequence[Team], starts: Sequence[Config]) -> None:
        self._problem = problem
        indexes = sorted({index for team in (*teams, *starts) for index in team}, key=lambda x: x.order_key())
        self._indexes = indexes
        self._number = {index: number for number, index in enumerate(indexes)}
        workload = problem.workload
        self._size = [workload.size(index) for index in indexes]
        self._upkeep = [workload.upkeep(index) for index in indexes]
        self._teams = [
            [self._number[index] for index in sorted(team, key=lambda x: x.order_key())] for team in teams
        ]
        self._wider: list[set[int]] = [set() for _ in indexes]
        self._narrower: list[set[int]] = [set() for _ in indexes]
        for wide, index in enumerate(indexes):
            for narrow, other in enumerate(indexes):
                if index.place == other.place and index.extends(other):
                    self._wider[narrow].add(wide)
                    self._narrower[wide].add(narrow)

    def annealed(self, config: Config, doubt: float, chance: random.Random) -> Config:
        """The best configuration that many small changes lead to, by the plans seen."""
        workload = self._problem.workload
        forms = [workload.forms(index) for index in self._indexes]
        concerned: dict[str, set[int]] = {}
        for number, form in enumerate(forms):
            for key in form:
                concerned.setdefault(key, set()).add(number)

        def together(key: str, numbers: frozenset[int]) -> int:
            mask = 0
            for number in numbers & concerned[key]:
                mask |= forms[number][key]
            return mask

        known: dict[tuple[str, int], tuple[float, float]] = {}
        held = frozenset(self._number[index] for index in config)
        best, total, lowest = held, 0.0, 0.0
        now: dict[str, float] = {}
        start = workload.time(config)
        steps = min(max(_STEPS_PER_TEAM * len(self._teams), _LEAST_STEPS), _MOST_STEPS)
        for step in range(steps):
            if step % _ASK_EVERY == 0 and self._problem.late():
                break
            trial = self._changed(held, chance)
            if trial == held:
                continue
            masks = {key: together(key, trial) for key in {key: 0 for n in held ^ trial for key in forms[n]}}
            change = sum(self._upkeep[n] for n in trial - held) - sum(self._upkeep[n] for n in held - trial)
            for key, mask in masks.items():
                if key not in now:
                    now[key] = workload.guess(key, together(key, held), doubt)[0]
                if (key, mask) not in known:
                    known[key, mask] = workload.guess(key, mask, doubt)
                worth, ratio = known[key, mask]
                change += worth - now[key]
                if ratio > SEARCHED_REGRESSION and worth > now[key]:
                    change = math.inf
                    break
            heat = start * _HOT * (_COLD / _HOT) ** (step / steps)
            if change > 0 and (change > 20 * heat or chance.random() >= math.exp(-change / heat)):
                continue
            held, total = trial, total + change
            now.update((key, known[key, mask][0]) for key, mask in masks.items())
            if total < lowest - 1e-9 and self._allows(frozenset(self._indexes[number] for number in held)):
                best, lowest = held, total
        return frozenset(self._indexes[number] for number in best)

    def _allows(self, config: Config) -> bool:
        return self._problem.workload.allows(config) and self._problem.allows(config)

    def _changed(self, held: frozenset[int], chance: random.Random) -> frozenset[int]:
        """One index narrower, one less, one team more, or both; and as much less as makes room."""
        luck = chance.random()
        kept = set(held)
        if kept and luck < _SWAP:
            gone = chance.choice(sorted(kept))
            kept.discard(gone)
            if luck < _NARROW:
                kept.update(chance.sample(sorted(self._narrower[gone]), min(len(self._narrower[gone]), 1)))
        team = [] if luck < _LEAVE else chance.choice(self._teams)
        for number in team:
            if number not in kept and not self._wider[number] & kept:
                kept -= self._narrower[number]
                kept.add(number)
        size = sum(map(self._size.__getitem__, kept))
        spare = sorted(kept.difference(team)) if size > self._problem.budget else []
        while size > self._problem.budget and spare:
            number = spare.pop(chance.randrange(len(spare)))
            kept.discard(number)
            size -= self._size[number]
        return frozenset(kept) if size <= self._problem.budget else held
