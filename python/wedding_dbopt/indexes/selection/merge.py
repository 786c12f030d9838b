"""One index in the place of two of its table, where hardly anything is lost."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from ..cost import LEAST_WINDOW_MS, Change
from ..definition import Config, IndexDef
from .problem import MIN_WORKLOAD_GAIN, Problem

_MERGE_LOSS = 0.01


def consolidated(problem: Problem, config: Config, merged: Collection[IndexDef]) -> Config:
    """The configuration with fewer indexes: a statement may lose 1 % by it, the workload 0.5 % or what nobody notices."""
    workload = problem.workload
    offered = sorted(merged, key=IndexDef.order_key)
    for first, second in combinations(sorted(config, key=IndexDef.order_key), 2):
        if not {first, second} <= config or first.place != second.place or problem.late():
            continue
        keys = {*first.columns, *second.columns}
        pair = frozenset({first, second})
        best: tuple[float, Config] | None = None
        for candidate in offered:
            trial = config - pair | {candidate}
            fits = candidate.place == first.place and keys >= set(candidate.columns)
            if not fits or workload.bytes(trial) >= workload.bytes(config) or not workload.allows(trial):
                continue
            change = workload.change(config, trial)
            # Of what is left: what a single runaway statement took before says nothing of the others.
            small = change.gain >= -MIN_WORKLOAD_GAIN * workload.time(config)
            if (
                (small or _is_unnoticed(workload.change(trial, config)))
                and change.largest_loss <= _MERGE_LOSS
                and (best is None or change.gain > best[0])
            ):
                best = (change.gain, trial)
        config = best[1] if best is not None else config
    return config


def _is_unnoticed(lost: Change) -> bool:
    return lost.noticed_share == 0.0 and lost.time < LEAST_WINDOW_MS
