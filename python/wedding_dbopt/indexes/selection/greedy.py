"""Greedy choice of indexes by benefit per byte, adding or widening one index (or one team) at a time.

After R. Schlosser, J. Kossmann, M. Boissier: Efficient Scalable Multi-Attribute Index Selection Using
Recursive Strategies (ICDE 2019). Different here: candidates are those the planner itself picked, as in
DB2Advis (G. Valentin et al., ICDE 2000); indexes that only pay together may come as one team; and a lazy queue
(M. Minoux, 1978), ordered by what is expected until a team is priced, saves most pricing.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from ..definition import Config
from .problem import Problem, Team, by_size, joined


def filled(
    problem: Problem,
    teams: Sequence[Team],
    config: Config,
    thrift: float = 1.0,
) -> Config:
    """The configuration plus whatever still pays, the best benefit per byte to the power of `thrift` first.

    Once time or plans ran out only what needs no plan any more is added.
    """
    workload = problem.workload
    queue: list[tuple[float, int, int]] = []
    for number, team in enumerate(teams):
        other = joined(config, team)
        if other != config:
            bound = problem.bound(config, team)
            queue.append((-bound / workload.added_bytes(config, other) ** thrift, number, -1))
    heapq.heapify(queue)
    step = 0
    while queue:
        score, number, priced_at = heapq.heappop(queue)
        team = teams[number]
        other = joined(config, team)
        if other == config or not problem.fits(other) or score >= 0:
            continue
        if priced_at == step:
            config, step = other, step + 1
            continue
        if problem.late() and not workload.known(other):
            continue
        gain = problem.added(config, team)
        if gain > 0:
            worth = gain / workload.added_bytes(config, other) ** thrift
            heapq.heappush(queue, (-worth, number, step))
    return config


def pruned(problem: Problem, config: Config) -> Config:
    """Without the indexes that no plan uses and those whose loss hardly hurts, the largest first."""
    for index in by_size(problem, config):
        rest = config - {index}
        loss = problem.workload.change(rest, config)
        if not problem.pays(loss) and problem.workload.allows(rest):
            config = rest
    return config
