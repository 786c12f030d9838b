"""Without the indexes that make a statement dearer than it was: the last word on a chosen set."""

from __future__ import annotations

from ..cost import WorkloadCost
from ..definition import Config, IndexDef
from .problem import MAX_REGRESSION


def relieved(config: Config, cost: WorkloadCost) -> Config:
    """The configuration without what hurts: no statement more than 10 % dearer than without any index, at the least loss."""
    for _ in range(len(config)):
        hurt = set(cost.hurt(config, MAX_REGRESSION))
        ordered = sorted(config, key=IndexDef.order_key)
        trials = [config - {index} for index in ordered if hurt.intersection(cost.concerned([index]))]
        if not trials:
            break
        config = min(trials, key=lambda trial: (len(cost.hurt(trial, MAX_REGRESSION)), cost.total(trial)))
    return config
