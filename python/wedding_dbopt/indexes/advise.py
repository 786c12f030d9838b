"""Which indexes a workload is worth: the entry point of this package.

The steps: plan every statement as it is; derive candidates from its text and from what its plan shows; let
the planner pick among them; choose a set for the whole workload within the budget; prove GIN and
GiST indexes on a sample where the chosen ones leave a search dear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..catalog import Catalog, Relation
from ..errors import MissingExtension
from ..plan import Plan
from ..query import Query
from .benefits import Asker, Benefits
from .candidates import Candidates, candidates, search_index, shared_covers, usage
from .confidence import confidence
from .cost import (
    ENTRIES,
    IMPORTANCE,
    MS_PER_COST_UNIT,
    Weight,
    WorkloadCost,
    WriteRate,
    balanced,
    credited,
    usual_rate,
    write_ms,
)
from .definition import IndexDef
from .full_text import Demand, Prove, search_recommendations
from .generic_plans import notes
from .plan_conditions import shown_conditions
from .predicates import TableUse, table_uses
from .reality import VISIT_COST, Beyond
from .recommendation import Recommendation, recommendation
from .selection.problem import Team
from .selection.select import select, sorted_too
from .size import KeyFacts, btree_bytes, index_bytes
from .skew import Represent, open_questions
from .what_if import Config, Failure, PlanSource, WhatIf

DAY = 86400.0
MOST_PLANS = 1900
PLANS_PER_STATEMENT = 19
_EXPLORING_SHARE = 0.5
_LARGE = 1_000_000
# An index that brings a generic plan down to this share of its cost needs no constants to speak for it.
_SETTLED = 0.5
# More statements than this leave no plans for candidates that are rarely the best.
_FEW_STATEMENTS = 40
_LATE = "the time limit came first"

Measure = Callable[[Relation, IndexDef], "KeyFacts | None"]
Size = Callable[[Relation, IndexDef], int]


@dataclass(frozen=True)
class WorkloadStatement:
    """One statement: its key at the plan source, its parsed text, calls in the window, mean ms of a call."""

    key: str
    query: Query
    calls: float
    mean_ms: float
    criticality: str
    context: str


@dataclass(frozen=True)
class Advice:
    """Recommendations by falling benefit; statements left out with the reason; what-if EXPLAINs spent.

    `left` is what should be left of each statement's time with all B-trees, 0..1.
    """

    recommendations: tuple[Recommendation, ...]
    skipped: tuple[tuple[str, str], ...]
    explain_calls: int
    left: Mapping[str, float] = field(default_factory=dict)


def advise(
    workload: Sequence[WorkloadStatement],
    catalog: Catalog,
    source: PlanSource,
    *,
    storage_budget: int,
    deadline: float,
    clock: Callable[[], float],
    max_width: int = 3,
    writes: Mapping[tuple[str, str], WriteRate] | None = None,
    window_seconds: float = DAY,
    prove: Prove | None = None,
    measure: Measure | None = None,
    represent: Represent | None = None,
    most_plans: int | None = None,
    size: Size = index_bytes,
    corrected: bool = True,
    visit_cost: float = VISIT_COST,
) -> Advice:
    """Choose indexes of at most `storage_budget` bytes in total, by the time `clock()` reaches `deadline`.

    The search ends after about `most_plans` EXPLAINs too (None: 1900, or 19 per statement), so that a slow machine
    gives the same answer as a fast one.
    `writes` gives a table's rates by (schema, table); `window_seconds` is the time the calls were counted in;
    `prove` builds a GIN or GiST index on a sample (without it none is recommended); `measure` counts keys on one;
    `represent` gives a statement's forms with constants, asked for where values are skewed.
    `size` and `corrected` are there to compare with advisors that take both from HypoPG, `visit_cost` 0 to be judged by the
    planner's cost as they are.
    Failures of single statements are reported in `skipped`; every hypothetical index is dropped again.
    """
    advisor = _Advisor(
        catalog, source, max_width, writes or {}, window_seconds, measure, size, corrected, visit_cost
    )
    started = clock()
    try:
        exploring_ends = started + _EXPLORING_SHARE * (deadline - started)
        advisor.read(workload, lambda: clock() > exploring_ends)
        advisor.explore(represent, lambda: clock() > exploring_ends)

        limit = most_plans or max(MOST_PLANS, PLANS_PER_STATEMENT * len(workload))

        def late(part: float = 1.0) -> bool:
            ends = started + part * (deadline - started)
            return clock() > ends or advisor.what_if.calls >= part * limit

        found = advisor.choose(storage_budget, late)
        searched = (
            [] if prove is None else advisor.search_indexes(prove, storage_budget, lambda: clock() > deadline)
        )
        if searched:
            left = storage_budget - sum(item.estimated_bytes for item in searched)
            limit += limit // 4
            found = searched + advisor.choose(left, late)
    finally:
        advisor.what_if.close()
    found.sort(key=lambda item: (-item.total_benefit_ms, item.name))
    return Advice(tuple(found), tuple(advisor.skipped), advisor.what_if.calls, advisor.left)


class _Advisor:
    def __init__(
        self,
        catalog: Catalog,
        source: PlanSource,
        max_width: int,
        writes: Mapping[tuple[str, str], WriteRate],
        window_seconds: float,
        measure: Measure | None,
        estimate: Size,
        corrected: bool,
        visit_cost: float,
    ) -> None:
        self._catalog = catalog
        self._max_width = max_width
        self._writes = writes
        self._window = window_seconds
        self._measure = measure
        self._measured: set[IndexDef] = set()
        self._relations: dict[tuple[str, str], Relation] = {}
        self._sizes: dict[IndexDef, int] = {}
        self._statements: dict[str, WorkloadStatement] = {}
        self._uses: dict[str, tuple[TableUse, ...]] = {}
        self._candidates: dict[str, Candidates] = {}
        self._teams: dict[Team, None] = {}
        self._picked: dict[str, set[IndexDef]] = {}
        self._parts: dict[str, tuple[str, ...]] = {}
        self._config: Config = frozenset()
        self._estimate = estimate
        beyond = Beyond(catalog, visit_cost) if corrected and visit_cost else None
        self.what_if = WhatIf(source, self.size, corrected, self._leaves, beyond)
        self.skipped: list[tuple[str, str]] = []
        self.left: dict[str, float] = {}

    def size(self, index: IndexDef) -> int:
        """Estimated bytes of a candidate that the planner can be asked about."""
        if index not in self._sizes:
            relation = self._relations[index.place]
            self._sizes[index] = self._estimate(relation, index)
        return self._sizes[index]

    def _leaves(self, place: tuple[str, str]) -> Sequence[tuple[str, str]]:
        """The tables that hold the rows of one: itself, or its partitions."""
        return self._relations[place].holders

    def read(self, workload: Sequence[WorkloadStatement], late: Callable[[], bool]) -> None:
        """Plan every statement as it is and derive its candidates, the heaviest statements first."""
        ordered = sorted(
            workload, key=lambda item: (-item.calls * max(item.mean_ms, MS_PER_COST_UNIT), item.key)
        )
        for statement in ordered:
            if late():
                self.skipped.append((statement.key, _LATE))
                continue
            self._read(statement)
        used = usage(self._uses.values())
        for key, uses in self._uses.items():
            self._candidates[key] = candidates(uses, used, self._max_width)

    def explore(self, represent: Represent | None, late: Callable[[], bool]) -> None:
        """Let the planner pick among each statement's candidates."""
        for key in list(self._uses):
            if not late():
                self._pick(key)
                if represent is not None and self._statements[key].query.parameter_count:
                    self._represent(key, represent)
        self._share()
        for key, picked in self._picked.items():
            self.what_if.narrow(key, picked)

    def _read(self, statement: WorkloadStatement) -> None:
        key = statement.key
        try:
            plan = self.what_if.cost(key, frozenset()).plan
        except MissingExtension:
            raise
        except (*Failure, ValueError) as error:
            self.skipped.append((key, str(error)))
            return
        uses = table_uses(statement.query.tree, self._catalog)
        uses += _only_shown(plan, uses, self._catalog)
        self._relations.update({(use.relation.schema, use.relation.name): use.relation for use in uses})
        self._statements[key] = statement
        self._uses[key] = uses
        self.what_if.watch(key, uses)

    def _represent(self, key: str, represent: Represent) -> None:
        """Price a statement with representative constants too, where its generic plan leaves skewed columns alone."""
        offered, uses = self._candidates[key], self._uses[key]
        if not open_questions(uses, offered):
            return
        everything = frozenset((*offered.plain, *offered.covering, *offered.partial))
        try:
            most = self.what_if.cost(key, everything).cost
        except (*Failure, ValueError):
            return
        if most <= _SETTLED * self.what_if.cost(key, frozenset()).cost:
            return
        parts = []
        for part, query in represent(key).items():
            self.what_if.watch(part, uses)
            try:
                self.what_if.cost(part, frozenset())
            except MissingExtension:
                raise
            except (*Failure, ValueError):
                continue
            self._statements[part] = replace(self._statements[key], key=part, query=query, calls=0.0)
            self._uses[part], self._candidates[part] = uses, offered
            self._picked[part] = set()
            parts.append(part)
            if self._used(part, everything):
                self._pick(part)
        if parts:
            self._parts.update(dict.fromkeys((key, *parts), (key, *parts)))

    def _pick(self, key: str) -> None:
        """Offer each class of candidates at once; what the plan uses becomes a team."""
        offered = self._candidates[key]
        plain = frozenset(index for index in offered.plain if self.what_if.concerns(key, index))
        picked: set[IndexDef] = set()
        narrow = frozenset(index for index in plain if len(index.columns) == 1)
        covering, partial = frozenset(offered.covering), frozenset(offered.partial)
        few = len(self._uses) <= _FEW_STATEMENTS
        alone = partial if few else frozenset[IndexDef]()
        offers = (narrow, alone, plain, plain | partial, plain | covering, plain | covering | partial)
        # The largest first: what the planner leaves out there needs no EXPLAIN without it.
        taken = [self._used(key, offer) if offer else frozenset() for offer in reversed(offers)]
        for used in reversed(taken):
            if used:
                self._teams[used] = None
            picked |= used
        for index in offered.small:
            used = self._used(key, frozenset({index}))
            if used:
                self._teams[used] = None
            picked |= used
        for index in sorted(picked, key=IndexDef.order_key):
            self._teams[frozenset({index})] = None
            for width in range(1, len(index.columns) + (1 if index.include else 0)):
                head = IndexDef(
                    *index.place, index.columns[:width], where=index.where, fraction=index.fraction
                )
                if head in plain:
                    self._teams[frozenset({head})] = None
        self._picked[key] = picked

    def _used(self, key: str, config: Config) -> Config:
        try:
            return self.what_if.used(key, config)
        except MissingExtension:
            raise
        except (*Failure, ValueError):
            return frozenset()

    def _share(self) -> None:
        """Other column orders of a picked index that also serve what another statement picked."""
        everywhere = {index for picked in self._picked.values() for index in picked}
        for key, picked in self._picked.items():
            wanted = {(index.place, frozenset(index.columns)) for index in picked}
            for index in self._candidates[key].plain:
                same = (index.place, frozenset(index.columns)) in wanted
                if same and any(index.extends(other) for other in everywhere):
                    self._teams[frozenset({index})] = None
        for index in shared_covers(everywhere) if len(self._uses) <= _FEW_STATEMENTS else ():
            self._teams[frozenset({index})] = None

    def choose(self, budget: int, late: Callable[..., bool]) -> list[Recommendation]:
        """The set of B-tree indexes for the whole workload, as recommendations."""
        plain = {index for offered in self._candidates.values() for index in offered.plain}
        weights = self._weights()
        sorting = {index for offered in self._candidates.values() for index in offered.sorting}
        for _ in range(2):
            workload = WorkloadCost(self.what_if, weights, self.size, self._upkeep)
            if self._config and late():
                self._config = self._within(budget)
                break
            found_set = select(self._teams, plain, workload, budget, late)
            self._config = sorted_too(found_set, sorting, workload, budget)
            self._size_up(late)
            if sum(map(self.size, self._config)) <= budget:
                break
        else:
            self._config = self._within(budget)
        self.left = {key: workload.ratio(key, self._config) for key in self._uses}
        brings = Benefits(self.what_if, self._config, workload, weights, self._who(), self._parts)
        found = []
        whole = {key: self._statements[key].query for key in self._uses if self._whole(key) == key}
        for index in sorted(self._config, key=IndexDef.order_key):
            benefits = list(brings.to_statements(index))
            if benefits:
                found.append(
                    recommendation(
                        index,
                        benefits,
                        size=self.size(index),
                        write_cost=self._upkeep(index),
                        confidence=confidence(
                            index,
                            self._relations[index.place],
                            [self.what_if.cost(benefit.key, self._config).plan for benefit in benefits],
                        ),
                        proof="what-if",
                        notes=notes(index, [benefit.key for benefit in benefits], whole, self._uses),
                    )
                )
        return found

    def _weights(self) -> dict[str, Weight]:
        """Measured time in the window; where nothing was measured, the planner's cost in its place."""
        costs = {
            key: self.what_if.cost(key, frozenset()).worth for key in self._uses if self._whole(key) == key
        }
        guessed = balanced({key: cost for key, cost in costs.items() if self._statements[key].mean_ms <= 0})
        means = {key: self._statements[key].mean_ms for key in costs if self._statements[key].mean_ms > 0}
        rate = usual_rate(means, costs)
        found = {}
        for key in self._uses:
            whole = self._whole(key)
            statement = self._statements[whole]
            mean = credited(means[whole], rate * costs[whole]) if whole in means else rate * guessed[whole]
            importance = IMPORTANCE.get(statement.criticality, 1.0)
            share = 1 / len(self._parts.get(key, (key,)))
            found[key] = Weight(max(statement.calls, 1.0) * mean * share, importance)
        return found

    def _who(self) -> dict[str, Asker]:
        return {
            key: Asker(item.context, item.criticality, item.mean_ms > 0)
            for key, item in self._statements.items()
        }

    def _whole(self, key: str) -> str:
        """The statement that a key stands for, alone or as one of its parts."""
        return self._parts.get(key, (key,))[0]

    def _size_up(self, late: Callable[[], bool]) -> None:
        """Sizes of the large indexes on several columns or on expressions, by their keys in a sample."""
        for index in sorted(self._config - self._measured, key=IndexDef.order_key):
            several = len(index.columns) > 1 or index.columns[0].expression is not None
            large = several and index.method == "btree" and self.size(index) >= _LARGE
            if self._measure is None or not large or late():
                continue
            self._measured.add(index)
            relation = self._relations[index.place]
            known = self._measure(relation, index)
            if known is not None:
                self._sizes[index] = btree_bytes(relation, index, known)

    def _within(self, budget: int) -> Config:
        """The configuration without its largest indexes, until it fits."""
        kept = sorted(self._config, key=lambda index: (self.size(index), index.order_key()))
        while kept and sum(map(self.size, kept)) > budget:
            kept.pop()
        return frozenset(kept)

    def _upkeep(self, index: IndexDef, size: int | None = None) -> float:
        rate = self._writes.get(index.place, WriteRate())
        columns = {column for key in index.columns for column in key.term.columns} | set(index.include)
        updates = sum(
            self._statements[key].calls
            for key, uses in self._uses.items()
            if any(
                (use.relation.schema, use.relation.name) == index.place and use.written & columns
                for use in uses
            )
        )
        cost = write_ms(self.size(index) if size is None else size, rate, updates, self._window)
        return ENTRIES[index.method] * cost

    def _asked(self, index: IndexDef) -> bool:
        return any(self.what_if.concerns(key, index) for key in self._uses)

    def search_indexes(self, prove: Prove, budget: int, late: Callable[[], bool]) -> list[Recommendation]:
        """GIN and GiST indexes for search conditions that the chosen B-trees leave dear, each proven on a sample."""
        demands = []
        general = {
            (use.relation.oid, search.expression)
            for uses in self._uses.values()
            for use in uses
            for search in use.searches
            if search.family == "jsonb" and search.opclass is None
        }
        weights = self._weights()
        for key, uses in self._uses.items():
            if self._whole(key) != key:
                continue
            statement = self._statements[key]
            wanted = set(self._candidates[key].searches)
            before = self.what_if.cost(key, frozenset()).cost
            chosen = self.what_if.cost(key, self._config)
            total_ms = weights[key].ms * len(self._parts.get(key, (key,)))
            for use, search in [(item, search) for item in uses for search in item.searches]:
                if search_index(use.relation, search) in wanted:
                    # One index by the default class serves every search in a document.
                    both = (use.relation.oid, search.expression) in general
                    asked = replace(search, opclass=None) if both else search
                    index = search_index(use.relation, asked)
                    who = (key, statement.context, statement.criticality)
                    observed = statement.mean_ms > 0
                    demands.append(
                        Demand(*who, index, use.relation, asked, before, chosen, total_ms, observed)
                    )
        found, unproven = search_recommendations(demands, prove, budget, self._upkeep, late)
        self.skipped += unproven
        for item in found:
            for key, _, _ in item.benefits:
                for part in self._parts.get(key, (key,)):
                    self.what_if.settle(part, item.index.place)
        self._teams = {team: None for team in self._teams if any(self._asked(index) for index in team)}
        return found


def _only_shown(plan: Plan, uses: Iterable[TableUse], catalog: Catalog) -> tuple[TableUse, ...]:
    """What the plan shows of each table, without the search conditions that the text has in its own words."""
    shown = shown_conditions(plan, catalog, {use.relation.oid for use in uses})
    if shown is None:
        return ()
    searched = {use.relation.oid for use in uses if use.searches}
    return tuple(
        replace(use, searches=()) if use.relation.oid in searched else use
        for use in table_uses(shown, catalog)
        if use.terms() or use.searches
    )
