"""The set of indexes for a whole explored workload, as recommendations: B-trees by what-if plans, GIN and GiST by proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from .benefits import Benefits
from .candidates import search_index
from .confidence import confidence
from .cost import ENTRIES, WorkloadCost, WriteRate, write_ms
from .dated import left_out as left_undated
from .definition import Config, IndexDef
from .expressions import notes as expression_notes
from .full_text import Demand, Prove, affordable, search_recommendations
from .generic_plans import notes
from .hidden import Hidden
from .limits import Counts, Limits, left_out
from .recommendation import Recommendation, recommendation
from .selection.greedy import filled
from .selection.problem import Problem, team_order
from .selection.relieve import relieved
from .selection.select import select, sorted_too
from .selection.shrink import shrunk
from .sizes import Sizes
from .workload import Workload

_ROUNDS = 4
# So much more of the plans may go into mending a chosen set.
_MENDING = 0.3
# When so much of the time is gone, sizes are no longer counted before the search.
_SIZED = 0.6


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
        self._hidden = Hidden((), ())
        self._config: Config = frozenset()
        self.left: dict[str, float] = {}
        self.left_out: list[str] = []
        self.unproven: list[tuple[str, str]] = []

    def choose(
        self, budget: int, late: Callable[..., bool], over: Callable[..., bool]
    ) -> list[Recommendation]:
        """The set of B-tree indexes for the whole workload, as recommendations; once there is one, the search goes on with it.

        `late` tells when time or plans run out, `over` when time alone does, or a part of it.
        """
        offers = self._workload.candidates.values()
        every_use = (use for uses in self._workload.uses.values() for use in uses)
        self._hidden = Hidden(every_use, (index for team in self._workload.teams for index in team))
        plain = {index for offered in offers for index in offered.plain}
        sorting = {index for offered in offers for index in offered.sorting}
        self._workload.teams.update(dict.fromkeys(self._hidden.together()))
        several = len(self._workload.uses) > 1
        offered = {index for team in self._workload.teams for index in team}
        # For one statement alone sizes count only where there may be no room.
        if several or self._sizes.total(offered) > budget:
            self._sizes.measure(offered, lambda: over(_SIZED))
        held = self._mended(self._config, budget, over)
        mended: list[Config] = []
        few = self._workload.few
        for round_ in range(_ROUNDS):
            cost = self._cost()
            ends = _later(late) if round_ and few else late
            if mended and ends():
                break
            found = select(self._workload.teams, plain, cost, budget, ends, few, self._given_up, held)
            found = sorted_too(found, sorting, cost, budget)
            self._sizes.measure(found, over)
            widened = self._widened(found, over)
            held = self._mended(found, budget, over)
            mended.append(held)
            if held == found and not widened:
                break
        held = min((self._mended(config, budget, over) for config in mended), key=self._cost().total)
        # For one statement no set was searched, and what pays is known.
        self._config = self._filled(held, budget, _later(late), over) if several and few else held
        cost = self._cost()
        teams = self._workload.teams
        self.left_out = list(left_out(self._counts, cost, self._config, teams, budget, late))
        self.left = {key: cost.ratio(key, self._config) for key in self._workload.uses}
        askers, parts, weights = self._workload.askers(), self._workload.parts, self._workload.weights()
        return list(self._told(Benefits(self._what_if, self._config, cost, weights, askers, parts)))

    def _cost(self) -> WorkloadCost:
        """The workload by what is known now of sizes and of who is concerned by what."""
        weights = self._workload.weights()
        return WorkloadCost(self._what_if, weights, self._sizes.size, self._upkeep, self._allowed)

    def _allowed(self, config: Config) -> bool:
        return self._counts.allow(config) and self._hidden.allow(config)

    def _mended(self, config: Config, budget: int, over: Callable[[], bool]) -> Config:
        """The configuration within the budget and without what makes a statement dearer, by what is known now."""
        cost = self._cost()
        problem = Problem(cost, budget, over)
        fitting = shrunk(problem, config)
        kept = relieved(self._sizes.within(config, problem.fits) if fitting is None else fitting, cost)
        return self._hidden.without(relieved(self._hidden.without(kept), cost))

    def _filled(
        self, held: Config, budget: int, late: Callable[..., bool], over: Callable[[], bool]
    ) -> Config:
        """The configuration with what pays in the room that mending left, as long as that holds when it is looked at."""
        teams = sorted(self._workload.teams, key=team_order)
        for _ in range(_ROUNDS):
            fuller = filled(Problem(self._cost(), budget, late), teams, held)
            if fuller == held:
                break
            self._sizes.measure(fuller, over)
            self._widened(fuller, over)
            best = min(
                (self._mended(config, budget, over) for config in (held, fuller)), key=self._cost().total
            )
            if best == held:
                break
            held = best
        return held

    def _widened(self, config: Config, over: Callable[[], bool]) -> bool:
        """Whether a chosen set does to some statements what the search did not see."""
        look = self._what_if
        found = False
        for key in self._workload.uses:
            if over():
                break
            found |= look.widen(key, config) | look.exact(key, config)
        return found

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
                asked = (use for key in served for use in uses[key])
                of_expressions, guessed = expression_notes(index, asked, self._sizes.kept)
                said = [
                    *self._together(index, served),
                    *notes(index, served, whole, uses),
                    *left_undated(index, served, uses),
                    *of_expressions,
                ]
                yield recommendation(
                    index,
                    benefits,
                    size=self._sizes.size(index),
                    write_cost=self._upkeep(index),
                    confidence=confidence(index, self._sizes.relation(index), plans, guessed),
                    proof="what-if",
                    notes=said,
                    dated=self._workload.dated.get((index.place, index.where or "")),
                )

    def _together(self, index: IndexDef, served: Sequence[str]) -> Iterator[str]:
        """Which others of the set the plans with this index use too, as the gain is that of all of them."""
        parts = self._workload.parts
        plans = {self._what_if.used(part, self._config) for key in served for part in parts.get(key, (key,))}
        others = sorted({other.name() for plan in plans if index in plan for other in plan} - {index.name()})
        if others:
            yield f"That is the gain with {', '.join(others)} beside it, of which this one is credited its part."

    def _upkeep(self, index: IndexDef, size: int | None = None) -> float:
        rate = self._writes.get(index.place, WriteRate())
        updates = self._workload.updates_of(index)
        cost = write_ms(self._sizes.size(index) if size is None else size, rate, updates, self._window)
        return ENTRIES[index.method] * cost

    def search_indexes(
        self, prove: Prove, budget: int, others: Sequence[Recommendation], late: Callable[[], bool]
    ) -> list[Recommendation]:
        """GIN and GiST indexes for search conditions that the chosen B-trees leave dear, each proven on a sample.

        They are taken as far as there is room beside those B-trees, the `others`.
        """
        proven, unproven = search_recommendations(list(self._demands()), prove, self._upkeep, late)
        self.unproven += unproven
        fitting = affordable(proven, others, budget)
        for item in proven:
            if item not in fitting:
                self._refuse(item, f"other indexes bring more in the {budget / 1e6:,.1f} MB allowed")
        found = [item for item in fitting if self._counted(item)]
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
            self._refuse(item, why)
            return False
        self._counts.take(item.index)
        return True

    def _refuse(self, item: Recommendation, why: str) -> None:
        self.unproven += [(key, f"{item.create_sql} is left out: {why}") for key, _, _ in item.benefits]

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
