"""What the statements of a workload ask for: each is planned as it is and offered its candidates class by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ..catalog import Catalog
from ..errors import MissingExtension, stack_bound
from ..plan import Plan
from .candidates import candidates, shared, shared_covers, usage
from .cost import MS_PER_COST_UNIT
from .dated import Dating
from .definition import Config, IndexDef
from .exclusions import without, written
from .hypothetical import Failure
from .plan_conditions import shown_conditions
from .predicates import TableUse, table_uses
from .sizes import Sizes
from .skew import Represent, common_value, rare_values
from .workload import Unread, Workload, WorkloadStatement

# An index that brings a generic plan down to this share of its cost needs no constants to speak for it.
_SETTLED = 0.5
# A text written anew must cost what the statement costs.
_SAME = 1e-4
LATE = "the time limit came first"

#: Make a text known to the plan source, and tell by which key from then on.
Vary = Callable[[str, str, str], str]


def heaviest_first(statement: WorkloadStatement) -> tuple[float, str]:
    """The order in which statements are read, as time may end before all are."""
    return -statement.calls * max(statement.mean_ms, MS_PER_COST_UNIT), statement.key


class Explorer:
    """Fills a workload; `unread` are the statements left out."""

    def __init__(
        self,
        workload: Workload,
        catalog: Catalog,
        sizes: Sizes,
        max_width: int,
        dating: Dating | None = None,
        vary: Vary | None = None,
    ) -> None:
        self._workload = workload
        self._what_if = workload.what_if
        self._catalog = catalog
        self._sizes = sizes
        self._max_width = max_width
        self._dating = dating
        self._vary = vary
        self._picked: dict[str, set[IndexDef]] = {}
        self.unread: list[Unread] = []

    def read(self, asked: Sequence[WorkloadStatement], late: Callable[[], bool]) -> None:
        """Plan every statement as it is and derive its candidates, the heaviest statements first.

        When it is late, statements are left out, and what a sample or another plan tells of candidates stays unknown.
        """
        for statement in sorted(asked, key=heaviest_first):
            if late():
                self.unread.append(Unread(statement.key, LATE))
                continue
            self._read(statement)
        if self._dating is not None:
            self._workload.date(self._dating)
        used, orders = usage(self._workload.uses.values()), shared(self._workload.uses.values())
        few = self._workload.few
        for key, uses in self._workload.uses.items():
            self._what_if.watch(key, uses)
            offered = self._workload.candidates[key] = candidates(uses, used, self._max_width, orders)
            if late():
                continue
            for use in uses:
                for search in use.searches:
                    if search.family == "text":
                        self._sizes.count(use.relation, search)
            counted = tuple(
                self._sizes.counted(index) for index in offered.partial if few or len(index.joint) < 2
            )
            self._workload.candidates[key] = replace(offered, partial=counted)
            if self._vary is not None:
                self._leave_out(key, self._vary)
        self._what_if.judge_again()

    def explore(self, represent: Represent | None, late: Callable[[], bool]) -> None:
        """Let the planner pick among each statement's candidates."""
        for key in list(self._workload.uses):
            if not late():
                self._pick(key)
                if represent is not None and self._workload.statements[key].query.parameter_count:
                    self._represent(key, represent)
        self._share()
        few = self._workload.few
        offered = frozenset(index for team in self._workload.teams for index in team)
        for key, picked in self._picked.items():
            self._what_if.narrow(key, picked)
            if few and not late():
                self._choose_again(key, offered)

    def _choose_again(self, key: str, offered: Config) -> None:
        try:
            found = self._what_if.second_choices(key, offered)
        except MissingExtension:
            raise
        except (*Failure, ValueError):
            return
        self._workload.teams.update(dict.fromkeys(found))

    def _read(self, statement: WorkloadStatement) -> None:
        key = statement.key
        try:
            plan = self._what_if.cost(key, frozenset()).plan
            uses = table_uses(statement.query.tree, self._catalog)
            uses += _only_shown(plan, uses, self._catalog)
        except MissingExtension:
            raise
        except (*Failure, ValueError) as error:
            self.unread.append(Unread.failed(key, error))
            return
        self._sizes.know(uses)
        self._workload.statements[key] = statement
        self._workload.uses[key] = uses

    def _leave_out(self, key: str, vary: Vary) -> None:
        """Let a statement be planned without what candidates of it exclude, where its written form plans like its text."""
        uses, query = self._workload.uses[key], self._workload.statements[key].query
        wanted = set[str]()
        for index in self._workload.candidates[key].partial:
            proven = [
                use.proven(index.joint) for use in uses if use.needed and use.relation.place == index.place
            ]
            if index.joint and all(found and all(item.excludes for item in found) for found in proven):
                wanted.update(index.joint)
        try:
            text = without(query.tree, self._catalog, wanted) if wanted else None
            if text is None:
                return
            same = vary(key, f"{key} written", written(query.tree))
            cost = self._what_if.cost(same, frozenset()).cost
            variant = vary(key, f"{key} without", text)
            self._what_if.cost(variant, frozenset())
        except MissingExtension:
            raise
        except (*Failure, ValueError):
            return
        if math.isclose(cost, self._what_if.cost(key, frozenset()).cost, rel_tol=_SAME):
            self._what_if.leave_out(key, variant, wanted)

    def _represent(self, key: str, represent: Represent) -> None:
        """Price a statement with representative constants too, where its generic plan does not speak for all values."""
        offered, uses = self._workload.candidates[key], self._workload.uses[key]
        common = common_value(uses, offered)
        if not common and not rare_values(uses, offered):
            return
        everything = frozenset((*offered.plain, *offered.covering, *offered.partial))
        try:
            most = self._what_if.cost(key, everything).cost
        except (*Failure, ValueError):
            return
        if not common and most <= _SETTLED * self._what_if.cost(key, frozenset()).cost:
            return
        statements = self._workload.statements
        parts = []
        for part, query in represent(key).items():
            self._what_if.watch(part, uses)
            try:
                self._what_if.cost(part, frozenset())
            except MissingExtension:
                raise
            except (*Failure, ValueError):
                continue
            statements[part] = replace(statements[key], key=part, query=query, calls=0.0)
            self._workload.uses[part], self._workload.candidates[part] = uses, offered
            self._picked[part] = set()
            parts.append(part)
            if self._used(part, everything):
                self._pick(part)
        if parts:
            self._workload.parts.update(dict.fromkeys((key, *parts), (key, *parts)))

    def _pick(self, key: str) -> None:
        """Offer each class of candidates at once; what the plan uses becomes a team."""
        offered, teams = self._workload.candidates[key], self._workload.teams
        plain = frozenset(index for index in offered.plain if self._what_if.concerns(key, index))
        picked: set[IndexDef] = set()
        narrow = frozenset(index for index in plain if len(index.columns) == 1)
        covering, partial = frozenset(offered.covering), frozenset(offered.partial)
        few = self._workload.few
        alone = partial if few else frozenset[IndexDef]()
        offers = (
            narrow,
            alone,
            narrow | covering,
            plain,
            plain | partial,
            plain | covering,
            plain | covering | partial,
        )
        # The largest first: what the planner leaves out there needs no EXPLAIN without it.
        taken = [self._used(key, offer) if offer else frozenset() for offer in reversed(offers)]
        for used in reversed(taken):
            if used:
                teams[used] = None
            picked |= used
        for index in offered.small:
            used = self._used(key, frozenset({index}))
            if used:
                teams[used] = None
            picked |= used
        for index in sorted(picked, key=IndexDef.order_key):
            teams[frozenset({index})] = None
            for width in range(1, len(index.columns) + (1 if index.include else 0)):
                head = replace(index, columns=index.columns[:width], include=())
                if head in plain or (few and head in partial):
                    teams[frozenset({head})] = None
        self._picked[key] = picked

    def _used(self, key: str, config: Config) -> Config:
        look = self._what_if
        try:
            used = look.used(key, config)
            if not used and len(config) > 1 and self._workload.few:
                # What the planner took together loses with its descents charged; a part of it may win all the same.
                taken = sorted(look.taken(key, config), key=IndexDef.order_key)
                used = frozenset().union(*(look.used(key, frozenset({index})) for index in taken))
            return used
        except MissingExtension:
            raise
        except (*Failure, ValueError):
            return frozenset()

    def _share(self) -> None:
        """Other column orders of a picked index that also serve what another statement picked."""
        if len(self._picked) < 2:
            return
        teams = self._workload.teams
        everywhere = {index for picked in self._picked.values() for index in picked}
        for key, picked in self._picked.items():
            wanted = {(index.place, frozenset(index.columns)) for index in picked}
            for index in self._workload.candidates[key].plain:
                same = (index.place, frozenset(index.columns)) in wanted
                if same and any(index.extends(other) for other in everywhere):
                    teams[frozenset({index})] = None
        for index in shared_covers(everywhere) if self._workload.few else ():
            teams[frozenset({index})] = None


@stack_bound
def _only_shown(plan: Plan, uses: Iterable[TableUse], catalog: Catalog) -> tuple[TableUse, ...]:
    """What the plan shows of each table beyond the text, without the search conditions that the text has in its own words."""
    shown = shown_conditions(plan, catalog, {use.relation.oid for use in uses})
    if shown is None:
        return ()
    searched = {use.relation.oid for use in uses if use.searches}
    found = (
        replace(use, searches=()) if use.relation.oid in searched else use
        for use in table_uses(shown, catalog)
        if use.terms() or use.searches
    )
    # What the text says already would be offered twice, in the plan's words.
    return tuple(use for use in found if not any(own.asks(use) for own in uses))
