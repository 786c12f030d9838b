"""The set of indexes for a whole explored workload, as recommendations: B-trees by what-if plans, GIN and GiST by proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from .benefits import Benefits
from .candidates import search_index
from .confidence import confidence
from .cost import ENTRIES, WorkloadCost, WriteRate, write_ms
from .dated import left_out as left_undated
from .definition import IndexDef
from .full_text import Demand, Prove, search_recommendations
from .generic_plans import notes
from .limits import Counts, Limits, left_out
from .recommendation import Recommendation, recommendation
from .selection.relieve import relieved
from .selection.select import select, sorted_too
from .sizes import Sizes
from .what_if import Config
from .workload import Workload

_ROUNDS = 3
# So much more of the plans may go into mending a chosen set.
_MENDING = 0.15


class Chooser:
    """Chooses for a workload; `left` is what should be left of each statement's time, `unproven` what no proof was had for.

    So much of the workload's time as `given_up` says may go for large gains of single statements.
    """

    def __init__(
        self,
        workload: Workload,
        sizes: Sizes,
        writes: Mapping[tuple[str, str], WriteRate],
        window_seconds: float,
        limits: Limits,
        given_up: float,
    ) -> None:
        self._workload = workload
        self._what_if = workload.what_if
        self._sizes = sizes
        self._writes = writes
        self._window = window_seconds
        self._counts = Counts(limits, sizes.held)
        self._given_up = given_up
        self._config: Config = frozenset()
        self.left: dict[str, float] = {}
        self.left_out: list[str] = []
        self.unproven: list[tuple[str, str]] = []

    def choose(self, budget: int, late: Callable[..., bool]) -> list[Recommendation]:
        """The set of B-tree indexes for the whole workload, as recommendations."""
        offers = self._workload.candidates.values()
        plain = {index for offered in offers for index in offered.plain}
        sorting = {index for offered in offers for index in offered.sorting}
        weights = self._workload.weights()
        sizes, counts = self._sizes, self._counts
        held: Config = frozenset()
        for round_ in range(_ROUNDS):
            cost = WorkloadCost(self._what_if, weights, sizes.size, self._upkeep, counts.allow)
            ends = _later(late) if round_ else late
            if self._config and ends():
                self._config = self._sizes.within(self._config, budget)
                break
            found_set = select(self._workload.teams, plain, cost, budget, ends, self._given_up, held)
            self._config = sorted_too(found_set, sorting, cost, budget)
            self._sizes.measure(self._config, late)
            if self._sizes.total(self._config) <= budget and not self._widened():
                break
            held = relieved(self._sizes.within(self._config, budget), cost)
        else:
            self._config = self._sizes.within(self._config, budget)
        self._config = relieved(self._config, cost)
        teams = self._workload.teams
        self.left_out = list(left_out(counts, cost, self._config, teams, budget, late))
        self.left = {key: cost.ratio(key, self._config) for key in self._workload.uses}
        askers, parts = self._workload.askers(), self._workload.parts
        return list(self._told(Benefits(self._what_if, self._config, cost, weights, askers, parts)))

    def _widened(self) -> bool:
        """Whether the chosen set does to some statements what the search did not see."""
        found = [key for key in self._workload.uses if self._what_if.widen(key, self._config)]
        return bool(found)

    def _told(self, brings: Benefits) -> Iterator[Recommendation]:
        whole = {
            key: self._workload.statements[key].query
            for key in self._workload.uses
            if self._workload.whole(key) == key
        }
        for index in sorted(self._config, key=IndexDef.order_key):
            benefits = list(brings.to_statements(index))
            if benefits:
                served = [benefit.key for benefit in benefits]
                plans = [self._what_if.cost(key, self._config).plan for key in served]
                uses = self._workload.uses
                said = [*notes(index, served, whole, uses), *left_undated(index, served, uses)]
                yield recommendation(
                    index,
                    benefits,
                    size=self._sizes.size(index),
                    write_cost=self._upkeep(index),
                    confidence=confidence(index, self._sizes.relation(index), plans),
                    proof="what-if",
                    notes=said,
                    dated=self._workload.dated.get((index.place, index.where or "")),
                )

    def _upkeep(self, index: IndexDef, size: int | None = None) -> float:
        rate = self._writes.get(index.place, WriteRate())
        updates = self._workload.updates_of(index)
        cost = write_ms(self._sizes.size(index) if size is None else size, rate, updates, self._window)
        return ENTRIES[index.method] * cost

    def search_indexes(self, prove: Prove, budget: int, late: Callable[[], bool]) -> list[Recommendation]:
        """GIN and GiST indexes for search conditions that the chosen B-trees leave dear, each proven on a sample."""
        demands = list(self._demands())
        found, unproven = search_recommendations(demands, prove, budget, self._upkeep, late)
        self.unproven += unproven
        found = [item for item in found if self._counted(item)]
        for item in found:
            for key, _, _ in item.benefits:
                for part in self._workload.parts.get(key, (key,)):
                    self._what_if.settle(part, item.index.place)
        self._workload.keep_asked()
        return found

    def _counted(self, item: Recommendation) -> bool:
        """Whether a proven index keeps to the numbers allowed; then it counts from now on."""
        why = self._counts.refusal([item.index])
        if why is not None:
            benefits = ((key, f"{item.create_sql} is left out: {why}") for key, _, _ in item.benefits)
            self.unproven += benefits
            return False
        self._counts.take(item.index)
        return True

    def _demands(self) -> Iterator[Demand]:
        workload = self._workload
        general = {
            (use.relation.oid, search.expression)
            for uses in workload.uses.values()
            for use in uses
            for search in use.searches
            if search.family == "jsonb" and search.opclass is None
        }
        weights = workload.weights()
        for key, uses in workload.uses.items():
            if workload.whole(key) != key:
                continue
            statement = workload.statements[key]
            wanted = set(workload.candidates[key].searches)
            before = self._what_if.cost(key, frozenset()).cost
            chosen = self._what_if.cost(key, self._config)
            total_ms = weights[key].ms * len(workload.parts.get(key, (key,)))
            for use, search in [(item, search) for item in uses for search in item.searches]:
                if search_index(use.relation, search) in wanted:
                    # One index by the default class serves every search in a document.
                    both = (use.relation.oid, search.expression) in general
                    asked = replace(search, opclass=None) if both else search
                    index = search_index(use.relation, asked)
                    who = (key, statement.context, statement.criticality)
                    observed = statement.mean_ms > 0
                    yield Demand(*who, index, use.relation, asked, before, chosen, total_ms, observed)


def _later(late: Callable[..., bool]) -> Callable[..., bool]:
    return lambda part=1.0: late(1.0 + _MENDING * part)
