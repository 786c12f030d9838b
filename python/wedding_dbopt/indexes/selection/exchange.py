"""Better sets by exchange: what a greedy choice took early may be in the way of something better.

Most exchanges are ruled out by bounds before anything is priced: what comes in can win at most so much, what must go
brought at least so much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..definition import IndexDef
from ..what_if import Config
from .greedy import filled, pruned
from .problem import SEARCHED_REGRESSION, Problem, Team, by_size, joined
from .shrink import shrunk

_EXCHANGE_GAIN = 0.001


def exchanged(problem: Problem, teams: Sequence[Team], config: Config) -> Config:
    """The configuration after every exchange that helps; the last one found when the time is up."""
    improved = True
    while improved and not problem.late():
        before = config
        config = _replaced(problem, teams, config)
        config = _inserted(problem, teams, config)
        improved = config != before
    return config


def _replaced(problem: Problem, teams: Sequence[Team], config: Config) -> Config:
    """Each index in turn left out, and the room filled up again without it."""
    for index in by_size(problem, config):
        if index not in config or problem.late():
            continue
        left, banned = config - {index}, frozenset({index})
        loss = max(problem.workload.change(left, config).gain, 0.0)
        if _most(problem, teams, left, banned) > loss + _least(problem, config):
            config = preferred(problem, config, pruned(problem, filled(problem, teams, left, banned)))
    return config


def _inserted(problem: Problem, teams: Sequence[Team], config: Config) -> Config:
    """Each team that did not fit, at the cost of what brings least per byte."""
    losses = _losses(problem, config)
    for team in teams:
        wider = joined(config, team)
        if wider == config or problem.fits(wider) or problem.late():
            continue
        if problem.bound(config, team) <= _least_loss(problem, losses, wider) + _least(problem, config):
            continue
        room = shrunk(problem, wider, team)
        if room is not None:
            better = preferred(problem, config, pruned(problem, filled(problem, teams, room)))
            if better != config:
                config, losses = better, _losses(problem, better)
    return config


def _least(problem: Problem, config: Config) -> float:
    """Of what is left: what a single runaway statement took before says nothing of the others."""
    return _EXCHANGE_GAIN * problem.workload.time(config)


def preferred(problem: Problem, config: Config, trial: Config) -> Config:
    """The trial where it is worth the change, else the configuration."""
    change = problem.workload.change(config, trial)
    helps = change.gain > _least(problem, config) and change.worst_ratio <= SEARCHED_REGRESSION
    return trial if helps and problem.allows(trial) and problem.workload.allows(trial) else config


def _losses(problem: Problem, config: Config) -> dict[IndexDef, float]:
    """What leaving out each index alone would lose."""
    change = problem.workload.change
    return {index: max(change(config - {index}, config).gain, 0.0) for index in by_size(problem, config)}


def _most(problem: Problem, teams: Sequence[Team], config: Config, banned: Team) -> float:
    """At most what filling up can win: the best teams per byte, the last of them in part."""
    workload = problem.workload
    room = float(problem.budget - workload.bytes(config))
    offers = []
    for team in teams:
        other = joined(config, team - banned)
        if other != config and problem.fits(other):
            offers.append((problem.bound(config, team - banned), workload.added_bytes(config, other)))
    total = 0.0
    for gain, size in sorted(offers, key=lambda offer: -offer[0] / offer[1]):
        part = min(1.0, room / size)
        total, room = total + gain * part, room - size * part
        if room <= 0:
            break
    return total


def _least_loss(problem: Problem, losses: Mapping[IndexDef, float], wider: Config) -> float:
    """At least what making room loses: the poorest indexes per byte, the last of them in part."""
    excess = float(problem.workload.bytes(wider) - problem.budget)
    total = 0.0
    for index in sorted(losses, key=lambda index: losses[index] / problem.workload.size(index)):
        if index in wider:
            part = min(1.0, excess / problem.workload.size(index))
            total, excess = total + losses[index] * part, excess - problem.workload.size(index) * part
        if excess <= 0:
            break
    return total
