"""How many indexes there may be, on a table and in all, and what was left out for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .cost import WorkloadCost
from .definition import Config, IndexDef
from .selection.problem import Problem, Team, joined

#: So many of what was left out are priced and told.
_MOST_TOLD = 5


@dataclass(frozen=True)
class Limits:
    """`in_all` new indexes at most, and `per_table` on a table with those it has; None: any number."""

    in_all: int | None = None
    per_table: int | None = None

    @property
    def none(self) -> bool:
        """Whether there is no limit."""
        return self.in_all is None and self.per_table is None


NO_LIMITS = Limits()


class Counts:
    """Limits over the tables of a search: `held` gives the indexes that a table (schema, name) has."""

    def __init__(self, limits: Limits, held: Callable[[tuple[str, str]], int]) -> None:
        self._limits = limits
        self._held = held
        self._taken: list[IndexDef] = []

    def take(self, index: IndexDef) -> None:
        """Count an index that is settled, as those of a search in words are before the others."""
        self._taken.append(index)

    def allow(self, config: Iterable[IndexDef]) -> bool:
        """Whether these new indexes keep to the limits, beside the settled ones."""
        return self.refusal(config) is None

    def refusal(self, config: Iterable[IndexDef]) -> str | None:
        """Which limit these new indexes break, in words."""
        if self._limits.none:
            return None
        counted = Counter(index.place for index in (*config, *self._taken))
        if self._limits.in_all is not None and sum(counted.values()) > self._limits.in_all:
            return f"no more than {self._limits.in_all} new indexes are wanted (new_indexes_per_run)"
        if self._limits.per_table is not None:
            for place, number in sorted(counted.items()):
                has = self._held(place)
                if has + number > self._limits.per_table:
                    return (
                        f"a table may have no more than {self._limits.per_table} indexes (indexes_per_table), "
                        f"and {place[1]} has {has}"
                    )
        return None


def left_out(
    counts: Counts,
    cost: WorkloadCost,
    config: Config,
    teams: Iterable[Team],
    budget: int,
    late: Callable[[], bool],
) -> Iterator[str]:
    """What would pay beside a chosen set and was left out for its number alone, the most promising first."""
    problem = Problem(cost, budget, late)
    wider = {joined(config, team): team for team in teams}
    refused = {
        other: why
        for other in wider
        if other != config and (why := counts.refusal(other)) is not None and cost.bytes(other) <= budget
    }
    ordered = sorted(
        refused,
        key=lambda other: (-cost.likely(config, other), sorted(i.order_key() for i in other - config)),
    )
    for other in ordered[:_MOST_TOLD]:
        if late():
            return
        change = cost.change(config, other)
        if problem.pays(change.gain, change.best_share):
            texts = ", ".join(sorted(index.create_sql() for index in other - config))
            yield f"{texts} is left out, though it would pay: {refused[other]}"
