"""The set for one statement alone: no other asks for its indexes, so its best plan says which it needs, and no search is due.

That plan is known since all candidates were offered at once. What is left is to take no more than it needs.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..definition import Config
from .greedy import pruned
from .problem import MIN_STATEMENT_GAIN, MIN_WORKLOAD_GAIN, Problem, Team, by_size


def chosen_alone(problem: Problem, teams: Sequence[Team]) -> Config | None:
    """The smallest set that leaves nothing to win which pays; None where the known plans do not tell it."""
    workload = problem.workload
    known = [team for team in teams if workload.known(team) and problem.fits(team)]
    best = min(known, key=lambda team: (workload.total(team), workload.bytes(team)), default=None)
    if best is None or _hidden(problem, best):
        return None
    enough = [team for team in known if not _pays(problem, team, best)]
    least = min(enough, key=lambda team: (workload.bytes(team), workload.total(team)))
    return _narrowed(problem, teams, pruned(problem, least), best)


def _hidden(problem: Problem, config: Config) -> bool:
    """Whether a plan that nobody saw may be much better: the best ones cost more by what the planner does not know.

    By descents they mostly cost what any other would, so what these add counts only where it is much of the statement's time.
    """
    workload = problem.workload
    beyond, descents = workload.left(config), workload.left(config, descents=False)
    return (beyond[0] >= MIN_WORKLOAD_GAIN * problem.start and beyond[1] >= MIN_STATEMENT_GAIN) or (
        descents[0] >= MIN_STATEMENT_GAIN * problem.start and descents[1] >= MIN_STATEMENT_GAIN
    )


def _narrowed(problem: Problem, teams: Sequence[Team], config: Config, best: Config) -> Config:
    """With the narrowest of each index's heads, as long as the best does not pay beside it."""
    offered = {index for team in teams for index in team}
    for index in by_size(problem, config):
        heads = [other for other in offered if index.extends(other)]
        held = index
        for head in sorted(heads, key=lambda other: (-problem.workload.size(other), other.order_key())):
            trial = config - {held} | {head}
            if problem.late() or _pays(problem, trial, best):
                break
            config, held = trial, head
    return config


def _pays(problem: Problem, config: Config, other: Config) -> bool:
    change = problem.workload.change(config, other)
    return problem.pays(change)
