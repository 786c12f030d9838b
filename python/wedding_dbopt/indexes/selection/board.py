"""The indexes of a search by number, and what sets of them are worth by the plans seen so far, without an EXPLAIN.

A plan that was seen is possible under every set that has its indexes, so the best possible one tells what a statement costs at
most. Costs put together from plans seen are those of INUM (S. Papadomanolakis, D. Dash, A. Ailamaki, 2007).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from ..definition import Config, IndexDef
from .problem import SEARCHED_REGRESSION, Problem, Team, with_team

Numbers = frozenset[int]
_TRIED = 8


class Board:
    """Indexes, teams and their sizes by number. `narrower` are by number those whose work an index does too."""

    def __init__(self, problem: Problem, teams: Sequence[Team], starts: Sequence[Config]) -> None:
        self.problem = problem
        self.indexes = sorted(
            {index for team in (*teams, *starts) for index in team}, key=lambda index: index.order_key()
        )
        self._number = {index: number for number, index in enumerate(self.indexes)}
        self._size = [problem.workload.size(index) for index in self.indexes]
        self.teams = [sorted(self.numbers(team)) for team in teams]
        self.narrower: list[set[int]] = [set() for _ in self.indexes]
        self._wider: list[set[int]] = [set() for _ in self.indexes]
        places: dict[tuple[str, str], list[int]] = {}
        for number, index in enumerate(self.indexes):
            places.setdefault(index.place, []).append(number)
        for near in places.values():
            for wide in near:
                for narrow in near:
                    if self.indexes[wide].extends(self.indexes[narrow]):
                        self._wider[narrow].add(wide)
                        self.narrower[wide].add(narrow)

    def numbers(self, config: Iterable[IndexDef]) -> Numbers:
        """A configuration by number."""
        return frozenset(self._number[index] for index in config)

    def config(self, numbers: Numbers) -> Config:
        """The configuration that numbers stand for."""
        return frozenset(self.indexes[number] for number in numbers)

    def size(self, numbers: Iterable[int]) -> int:
        """Bytes."""
        return sum(map(self._size.__getitem__, numbers))

    def joined(self, held: Iterable[int], team: Sequence[int]) -> Numbers:
        """A set with a team."""
        return with_team(held, team, self._wider.__getitem__, self.narrower.__getitem__)

    def allows(self, numbers: Numbers) -> bool:
        """Whether a set keeps to all that is asked of it but the budget."""
        config = self.config(numbers)
        return self.problem.workload.allows(config) and self.problem.allows(config)


class View:
    """The board by the plans seen now; of what an unknown plan could spare the part `doubt` is believed."""

    def __init__(self, board: Board, doubt: float) -> None:
        self._workload = board.problem.workload
        self._doubt = doubt
        self._forms = [self._workload.forms(index) for index in board.indexes]
        self._upkeep = [self._workload.upkeep(index) for index in board.indexes]
        self._concerned: dict[str, set[int]] = {}
        for number, form in enumerate(self._forms):
            for key in form:
                self._concerned.setdefault(key, set()).add(number)
        self._known: dict[str, dict[Numbers, tuple[float, float]]] = {key: {} for key in self._concerned}
        self._board = board
        self._teams: dict[str, list[list[int]]] = {}

    def change(self, held: Numbers, trial: Numbers) -> float | str:
        """Weighted ms that the workload gets dearer; or the first statement that gets dearer than it may."""
        fresh, gone = trial - held, held - trial
        total = sum(self._upkeep[number] for number in fresh) - sum(self._upkeep[number] for number in gone)
        for key in dict.fromkeys(key for number in held ^ trial for key in self._forms[number]):
            before, _ = self._worth(key, held)
            after, ratio = self._worth(key, trial)
            if ratio > SEARCHED_REGRESSION and after > before:
                return key
            total += after - before
        return total

    def relief(self, key: str, trial: Numbers, chance: random.Random) -> Numbers:
        """The trial with one of a few teams, the one with which a statement that it harms costs least."""
        if key not in self._teams:
            mine = self._concerned[key]
            self._teams[key] = [team for team in self._board.teams if not mine.isdisjoint(team)]
        teams = self._teams[key]
        tried = [self._board.joined(trial, team) for team in chance.sample(teams, min(_TRIED, len(teams)))]
        return min(tried, key=lambda numbers: self._worth(key, numbers)[0], default=trial)

    def _worth(self, key: str, numbers: Numbers) -> tuple[float, float]:
        known, mine = self._known[key], numbers & self._concerned[key]
        found = known.get(mine)
        if found is None:
            mask = 0
            for number in mine:
                mask |= self._forms[number][key]
            found = known[mine] = self._workload.guess(key, mask, self._doubt)
        return found
