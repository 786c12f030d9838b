"""What an index of a chosen set brings to each statement that uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .cost import Weight, WorkloadCost
from .definition import Config, IndexDef
from .recommendation import Benefit
from .skew import merged
from .what_if import WhatIf


@dataclass(frozen=True)
class Asker:
    """Who pays for a statement: its context and criticality, and whether its time was measured."""

    context: str
    criticality: str
    observed: bool


@dataclass(frozen=True)
class Benefits:
    """A chosen set over a workload; `parts` are the keys of a statement that was priced with several constants."""

    what_if: WhatIf
    config: Config
    workload: WorkloadCost
    weights: Mapping[str, Weight]
    askers: Mapping[str, Asker]
    parts: Mapping[str, tuple[str, ...]]

    def to_statements(self, index: IndexDef) -> Iterator[Benefit]:
        """One entry for each statement, its parts taken together."""
        found: dict[str, list[Benefit]] = {}
        for benefit in self._to_parts(index):
            found.setdefault(self.parts.get(benefit.key, (benefit.key,))[0], []).append(benefit)
        for key, parts in found.items():
            if key not in self.parts:
                yield from parts
                continue
            yield merged(parts, {part: self._costs(part) for part in self.parts[key]}, key)

    def _to_parts(self, index: IndexDef) -> Iterator[Benefit]:
        for key in self.workload.concerned([index]):
            used = self.workload.used(key, self.config)
            if index not in used:
                continue
            total, asker = self.weights[key].ms, self.askers[key]
            saved = total * (1 - self.workload.ratio(key, self.config)) / len(used)
            yield Benefit(
                key, *self._costs(key), saved, total, asker.context, asker.criticality, asker.observed
            )

    def _costs(self, key: str) -> tuple[float, float]:
        """The planner's costs without and with the set."""
        return self.what_if.cost(key, frozenset()).cost, self.what_if.cost(key, self.config).cost
