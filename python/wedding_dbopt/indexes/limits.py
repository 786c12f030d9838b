"""How many indexes there may be, on a table and in all, and what was left out for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

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
    """What would help beside a chosen set and was left out for its number or its upkeep alone, the most promising first."""
    problem = Problem(cost, budget, late)
    fitting = {other for team in teams if cost.bytes(other := joined(config, team)) <= budget} - {config}
    refused = {other: why for other in fitting if (why := counts.refusal(other)) is not None}
    written = {
        other: kept for other in fitting - {*refused} if (kept := cost.added_upkeep(config, other)) > 0
    }

    def promising(others: Iterable[Config]) -> list[Config]:
        order = {other: sorted(index.order_key() for index in other - config) for other in others}
        return sorted(order, key=lambda other: (-cost.likely(config, other), order[other]))[:_MOST_TOLD]

    for other in promising(refused):
        if late():
            return
        if problem.pays(cost.change(config, other)):
            yield f"{_texts(other - config)} is left out, though it would pay: {refused[other]}"
    told: set[tuple[str, str]] = set()
    for other in promising(written):
        places = {index.place for index in other - config}
        if late() or places <= told:
            continue
        change, kept = cost.change(config, other), written[other]
        read = replace(change, gain=change.gain + kept, time=change.time + kept)
        if change.gain <= 0 and problem.pays(read):
            told |= places
            saved = f"by the calls known it spares {read.time:,.1f} ms of reading, weighted by criticality"
            yield f"{_texts(other - config)} is left out: {saved}, and costs {kept:,.1f} ms of writing"


def _texts(indexes: Iterable[IndexDef]) -> str:
    return ", ".join(sorted(index.create_sql() for index in indexes))
