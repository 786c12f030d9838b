"""A set made to fit: without what brings least per byte."""

from __future__ import annotations

from ..definition import Config
from .problem import Problem, by_size


def shrunk(problem: Problem, config: Config) -> Config | None:
    """The configuration without what brings least per byte, until it fits; None when the time is up."""
    workload = problem.workload
    while not problem.fits(config):
        spare = by_size(problem, config)
        if workload.bytes(config) <= problem.budget:
            spare = [index for index in spare if workload.allows(config - {index})] or spare
        if not spare or problem.late():
            return None
        lost = [
            (workload.change(config - {index}, config).gain / workload.size(index), number)
            for number, index in enumerate(spare)
        ]
        config = config - {spare[min(lost)[1]]}
    return config
