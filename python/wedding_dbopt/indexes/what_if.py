"""Plans of statements under indexes that do not exist.

HypoPG gives its indexes no tree height, so the planner thinks a descent is free (0.06 instead of 0.43 for
one probe of a large index) and prefers nested loops that lose in reality. The descents are charged here:
50 operator costs per level and execution, as PostgreSQL's `btcostestimate` does for a real index.

HypoPG 1.3.1 passes over a partial index on a table that is not the first of its statement. So beside each partial index
stands a full one led by the column of its condition: it reads the same rows in the same order. For an index of several
conditions no such one is there: a full one with the same keys is planned, and what it reads in vain is taken off its cost.

An index of a partitioned table stands on each of its partitions: HypoPG knows none of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ..database import TimeLimitReached
from ..errors import MissingExtension
from ..plan import Node, Plan
from .candidates import effective, helps, leads
from .definition import Config, IndexDef
from .expressions import Found, KeptOf, found_by, more_rows
from .hypothetical import Failure, Hypothetical, Maker, Place
from .plans_seen import PlanSeen, PlansSeen, Priced, worst_of
from .predicates import TableUse
from .reality import CPU_OPERATOR_COST, DepthOf, DescentOf, LeadingOf
from .size import tree_height
from .stand_ins import in_vain, misplaced, oid_of
from .terms import Term

_DESCENT_OPERATORS = 50
_CHANGED = 0.01


class PlanSource(Maker, Protocol):
    """Plans statements, known by key, and holds hypothetical indexes."""

    def explain(self, key: str) -> Any:
        """EXPLAIN (FORMAT JSON) as the statement's own role; raises DboptError or DatabaseError."""


class WhatIf:
    """Prices statements under configurations with as few EXPLAINs as possible.

    A plan that was chosen among many indexes is also the planner's choice among fewer, as long as those it uses are
    still there. So an EXPLAIN is needed only where no earlier one settles the question. And a plan that the planner passed
    over counts where it is cheaper with its descents charged: for real indexes he would have taken it.

    An index counts for a statement as what it amounts to there, without the columns that serve other statements only.

    `calls` counts the EXPLAINs. Without `corrected` HypoPG is believed as it is, descents for nothing included, so that it
    even prefers a wider twin of an index that exists. `leaves` gives the tables that hold a table's rows, `beyond` what a
    plan costs beyond the planner's figure, told the first column of a hypothetical index, `height` the levels above the
    leaves (None: those of a tree of narrow keys), `kept` what conditions on expressions keep.
    """

    def __init__(
        self,
        source: PlanSource,
        size: Callable[[IndexDef], int],
        corrected: bool = True,
        leaves: Callable[[Place], Sequence[Place]] = lambda place: (place,),
        beyond: Callable[[Plan, LeadingOf, DepthOf, DescentOf], float] | None = None,
        height: Callable[[IndexDef], int] | None = None,
        kept: KeptOf = lambda relation, asked: None,
    ) -> None:
        self._source = source
        self._size = size
        self._corrected = corrected
        self._height = height or (lambda index: tree_height(size(index)))
        self._beyond = beyond
        self._kept = kept
        self._interests: dict[str, dict[tuple[str, str], list[TableUse]]] = {}
        self._depths: dict[str, dict[Place, float]] = {}
        self._wanted: dict[str, set[tuple[Place, Term]]] = {}
        self._concerned: dict[str, dict[IndexDef, bool]] = {}
        self._held = Hypothetical(source, size, leaves, corrected)
        self._without: dict[str, tuple[str, frozenset[str]]] = {}
        self._bits: dict[str, dict[IndexDef, int]] = {}
        self._seen: dict[str, list[PlanSeen]] = {}
        self._known: dict[str, dict[int, Priced]] = {}
        self._forms: dict[tuple[str, IndexDef], IndexDef] = {}
        self._floors: dict[str, dict[int, float]] = {}
        self._guesses: dict[str, dict[int, tuple[float, float]]] = {}
        self._plans: dict[str, PlansSeen] = {}
        self._masks: dict[str, dict[Config, int]] = {}
        self._bit_of: dict[str, dict[IndexDef, int]] = {}
        self._looked: dict[str, dict[int, int]] = {}
        self._lowest: dict[str, float] = {}
        self._refusals: dict[str, tuple[int, int]] = {}
        self.calls = 0

    def watch(self, key: str, uses: Iterable[TableUse]) -> None:
        """Tell which tables and keys a statement cares about; indexes led by other keys do not concern it."""
        places, depths = self._interests.setdefault(key, {}), self._depths.setdefault(key, {})
        for use in uses:
            places.setdefault(use.relation.place, []).append(use)
            depths[use.relation.place] = max(use.depth, depths.get(use.relation.place, 0.0))

    def leave_out(self, key: str, variant: str, exclusions: Iterable[str]) -> None:
        """Tell by which key the source knows a statement without some exclusions, where that text plans like the statement."""
        self._without[key] = (variant, frozenset(exclusions))

    def narrow(self, key: str, wanted: Iterable[IndexDef]) -> None:
        """Tell what the planner took when it could choose: only indexes that begin like these concern the statement."""
        self._want(key, map(_leading, wanted))

    def judge_again(self) -> None:
        """Judge the plans without any index anew: more is known of the rows since."""
        for key, seen in self._seen.items():
            if self._beyond is not None:
                for number, item in enumerate(seen):
                    more = self._beyond(
                        item.priced.plan, lambda node: None, self._depth_of(key), lambda node: 0.0
                    )
                    seen[number] = replace(item, priced=replace(item.priced, beyond=more))
            self._known.get(key, {}).clear()
            self._forget_guesses(key)
            self._plans.pop(key, None)
            for item in seen:
                self._plans_of(key).add(item)

    def second_choices(self, key: str, offered: Config) -> list[Config]:
        """What the planner takes without his first choice, without that of the second, and so on: a set may have these alone.

        Where they make the statement better or worse, they concern it from now on.
        """
        wanted = self._wanted.get(key)
        if wanted is None:
            return []
        plain = self.cost(key, frozenset()).worth
        found: list[Config] = []
        self._want(key, None)
        try:
            left = frozenset(x for x in offered if _leading(x) not in wanted and self.concerns(key, x))
            while left and (taken := self.used(key, left)):
                begun = set(map(_leading, taken))
                if abs(self.cost(key, left).worth - plain) > _CHANGED * plain:
                    wanted = wanted | begun
                    found.append(taken)
                left = frozenset(x for x in left if _leading(x) not in begun)
        finally:
            self._want(key, wanted)
        return found

    def widen(self, key: str, config: Config) -> bool:
        """Whether a configuration has indexes that change the statement though the planner left their like when he could choose.

        With everything there he takes the best; with less he may take what is worse than no index, though not in his own
        judgement. From now on such indexes concern the statement.
        """
        wanted = self._wanted.get(key)
        if wanted is None or self._beyond is None:
            return False
        before = self.cost(key, config).worth
        self._want(key, None)
        leading = {_leading(index) for index in config if self.concerns(key, index)}
        changed = bool(leading - wanted) and abs(self.cost(key, config).worth - before) > _CHANGED * before
        self._want(key, wanted | leading if changed else wanted)
        return changed

    def exact(self, key: str, config: Config) -> bool:
        """Whether a statement costs something else with the indexes it uses as wide as they are, not as they amount to for it.

        Those that make such a difference stand for themselves there from now on.
        """
        before = self.cost(key, config).worth
        forms = {index: self._form(key, index) for index in self.used(key, config)}
        wide = {index: form for index, form in forms.items() if self._size(index) > self._size(form)}
        if not wide:
            return False
        self._stand(key, {index: index for index in wide})
        changed = False
        try:
            worth = self._cost(key, config, self._relevant(key, config)).worth
            changed = abs(worth - before) > _CHANGED * before
        except (MissingExtension, TimeLimitReached):
            raise
        except Failure:
            pass  # it stays known by what it amounts to
        finally:
            if not changed:
                self._stand(key, wide)
        return changed

    def _stand(self, key: str, forms: Mapping[IndexDef, IndexDef]) -> None:
        self._forms.update(((key, index), form) for index, form in forms.items())
        self._forget_concerns(key)

    def settle(self, key: str, place: tuple[str, str]) -> None:
        """Tell that a statement needs no index on a table any more."""
        self._interests.get(key, {}).pop(place, None)
        self._forget_concerns(key)

    def _want(self, key: str, wanted: Iterable[tuple[Place, Term]] | None) -> None:
        """Only indexes that begin so concern the statement from now on; with None all that serve it do."""
        if wanted is None:
            self._wanted.pop(key, None)
        else:
            self._wanted[key] = set(wanted)
        self._forget_concerns(key)

    def _forget_concerns(self, key: str) -> None:
        for remembered in (self._concerned, self._masks, self._bit_of):
            remembered.pop(key, None)

    def concerns(self, key: str, index: IndexDef) -> bool:
        """Whether an index may change the statement's plan."""
        known = self._concerned.setdefault(key, {})
        if index not in known:
            uses = self._interests.get(key, {}).get(index.place, ())
            test = helps if self._corrected else leads
            wanted = self._wanted.get(key)
            known[index] = (wanted is None or _leading(index) in wanted) and any(
                test(use, index) for use in uses
            )
        return known[index]

    def cost(self, key: str, config: Config) -> Priced:
        """The statement's plan under a configuration. Without any index failures of EXPLAIN leave as they are.

        With some, HypoPG or the planner met something in them that fails, so they bring nothing: the plan stays as it is.
        """
        wanted = self._relevant(key, config)
        try:
            return self._cost(key, config, wanted)
        except (MissingExtension, TimeLimitReached):
            raise
        except Failure:
            if not wanted:
                raise
            plain = self._known[key][wanted] = self.cost(key, frozenset())
            return plain

    def _cost(self, key: str, config: Config, wanted: int) -> Priced:
        known = self._known.setdefault(key, {})
        if wanted not in known:
            seen = self._seen.setdefault(key, [])
            chosen = self._settling(key, wanted)
            if chosen is None:
                chosen = self._explained(key, config, wanted)
                seen.append(chosen)
                self._plans_of(key).add(chosen)
                self._forget_guesses(key)
                if self._corrected:
                    known.clear()
            known[wanted] = self._believed(chosen, seen, wanted) if self._corrected else chosen.priced
        return known[wanted]

    def settled(self, key: str, config: Config) -> bool:
        """Whether the statement's plan under a configuration is known without another EXPLAIN."""
        wanted = self._relevant(key, config)
        if wanted in self._known.get(key, ()):
            return True
        # What the first plans did not settle they never will: only those seen since are looked at.
        looked, seen = self._looked.setdefault(key, {}), self._seen.get(key, [])
        start = looked.get(wanted, 0)
        for number in range(start, len(seen)):
            if seen[number].settles(wanted):
                return True
            looked[wanted] = number + 1
        return False

    def used(self, key: str, config: Config) -> Config:
        """The indexes of a configuration that the statement's plan uses; of those that amount to the same the smallest."""
        return self._behind(key, config, self.cost(key, config).used)

    def taken(self, key: str, config: Config) -> Config:
        """The indexes of a configuration that the planner himself takes, though they may lose once their descents are charged."""
        self.cost(key, config)
        plan = self._settling(key, self._relevant(key, config))
        return self._behind(key, config, plan.priced.used if plan is not None else frozenset())

    def _settling(self, key: str, wanted: int) -> PlanSeen | None:
        return next((item for item in self._seen.get(key, ()) if item.settles(wanted)), None)

    def _behind(self, key: str, config: Config, forms: Config) -> Config:
        """The indexes of a configuration that amount to some forms, of those that amount to the same the smallest."""
        found: dict[IndexDef, IndexDef] = {}
        for index in sorted(config, key=lambda index: (self._size(index), index.order_key())):
            if self.concerns(key, index):
                found.setdefault(self._form(key, index), index)
        return frozenset(found[form] for form in forms if form in found)

    def _form(self, key: str, index: IndexDef) -> IndexDef:
        """What an index amounts to for a statement, which saves asking for each of its wider relatives."""
        if (key, index) not in self._forms:
            uses = self._interests.get(key, {}).get(index.place, ())
            form = effective(uses, index) if uses and index.method == "btree" else index
            self._forms[key, index] = form
        return self._forms[key, index]

    def _believed(self, chosen: PlanSeen, seen: list[PlanSeen], wanted: int) -> Priced:
        """The plan that the planner would take if he knew the descents, at the worth of the worst that he might take."""
        least = chosen.priced.plan.total_cost
        possible = [item.priced for item in seen if item.used & wanted == item.used]
        passed_over = (priced for priced in possible if priced.plan.total_cost >= least)
        found = min(passed_over, key=lambda priced: priced.cost)
        if self._beyond is None:
            return found
        return replace(found, beyond=worst_of(possible, found.cost) - found.cost)

    def form(self, key: str, index: IndexDef) -> int:
        """What an index amounts to for a statement, as one bit; 0 where it does not concern it."""
        bit = self._mask(key, [self._form(key, index)]) if self.concerns(key, index) else 0
        return bit & ~self._refused(key)

    def guess(self, key: str, forms: int, doubt: float) -> float:
        """The worth of the plan under indexes, given by what they amount to, without another EXPLAIN.

        Where the plans seen do not settle it, the best that the indexes allow counts, less `doubt` of what a better one
        could spare.
        """
        guesses = self._guesses.setdefault(key, {})
        if forms not in guesses:
            guesses[forms] = self._plans_of(key).guess(forms, self._lowest.get(key, 0.0))
        most, least = guesses[forms]
        return most - doubt * (most - least)

    def _plans_of(self, key: str) -> PlansSeen:
        return self._plans.setdefault(key, PlansSeen(worst=self._beyond is not None))

    def _forget_guesses(self, key: str) -> None:
        for remembered in (self._guesses, self._floors):
            remembered.pop(key, None)

    def best(self, key: str, descents: bool = True) -> float:
        """The least that any plan seen costs the statement, without what the planner does not know, or even the descents."""
        plans = (item.priced for item in self._seen.get(key, ()))
        return min((plan.cost if descents else plan.least for plan in plans), default=0.0)

    def floor(self, key: str, config: Config) -> float:
        """What the statement costs at least under a configuration, as far as the EXPLAINs so far tell."""
        wanted = self._relevant(key, config)
        floors = self._floors.setdefault(key, {})
        if wanted not in floors:
            floors[wanted] = self._plans_of(key).floor(wanted, self._lowest.get(key, 0.0))
        return floors[wanted]

    def _relevant(self, key: str, config: Config) -> int:
        """The indexes of a configuration that concern a statement, as a set of bits."""
        masks = self._masks.setdefault(key, {})
        mask = masks.get(config)
        if mask is None:
            mask, bits = 0, self._bit_of.setdefault(key, {})
            for index in config:
                bit = bits.get(index)
                if bit is None:
                    bit = self._mask(key, [self._form(key, index)]) if self.concerns(key, index) else 0
                    bits[index] = bit
                mask |= bit
            masks[config] = mask
        return mask & ~self._refused(key)

    def _mask(self, key: str, indexes: Iterable[IndexDef]) -> int:
        """Each statement counts its own bits: few of all indexes concern it, and small numbers are compared faster."""
        mask, bits = 0, self._bits.setdefault(key, {})
        for index in indexes:
            mask |= bits.setdefault(index, 1 << len(bits))
        return mask

    def _refused(self, key: str) -> int:
        number, mask = self._refusals.get(key, (0, 0))
        if number != len(self._held.refused):
            places = self._interests.get(key, {})
            mask = self._mask(key, (index for index in self._held.refused if index.place in places))
            self._refusals[key] = len(self._held.refused), mask
        return mask

    def _explained(self, key: str, config: Config, wanted: int) -> PlanSeen:
        forms = (self._form(key, x) for x in config if self.concerns(key, x))
        places = self._interests.get(key, {})
        self._held.establish(places, frozenset(form for form in forms if self._mask(key, [form]) & wanted))
        self.calls += 1
        plan = Plan.from_json(self._source.explain(key))
        wrong = {self._held.stand_ins[oid] for oid in misplaced(plan, self._held.read)}
        if wrong:
            rest = self._explained(key, config, wanted & ~self._mask(key, wrong))
            return PlanSeen(wanted, rest.used, rest.priced)
        priced = self._priced(key, plan)
        variant, exclusions = self._without.get(key, ("", frozenset()))
        spared = {
            x for x in self._held.live if x.place in places and x.joint and exclusions.issuperset(x.joint)
        }
        if spared:
            self._held.stand_in(places, self._held.live, spared)
            self.calls += 1
            other = self._priced(key, Plan.from_json(self._source.explain(variant)))
            if other.used & spared and other.cost < priced.cost:
                priced = other
        self._lowest[key] = min(priced.least, self._lowest.get(key, priced.least))
        return PlanSeen(wanted, self._mask(key, priced.used), priced)

    def close(self) -> None:
        """Drop every hypothetical index of this object."""
        self._held.close()

    def _depth_of(self, key: str) -> DepthOf:
        depths = self._depths.get(key, {})
        return lambda table: depths.get(table.root or table.place, 0.0)

    def _priced(self, key: str, plan: Plan) -> Priced:
        by_oid, places = self._held.by_oid(), self._interests.get(key, {})
        used: set[IndexDef] = set()
        descents = 0.0

        def named(node: Node) -> IndexDef | None:
            return by_oid.get(oid_of(node) or 0)

        def leading(node: Node) -> str | None:
            index = named(node)
            return index.columns[0].column if index is not None else None

        def descent(node: Node) -> float:
            index = named(node)
            # The root of an INSERT leaves out what its policies' checks cost, so no descent may be charged there.
            if index is None or index.method != "btree" or node.startup_cost > plan.total_cost:
                return 0.0
            levels = self._height(index) + 1
            return levels * _DESCENT_OPERATORS * CPU_OPERATOR_COST if self._corrected else 0.0

        def found(node: Node) -> Found | None:
            index = named(node)
            return None if index is None else found_by(node, index, places.get(index.place, ()), self._kept)

        for visit in plan.visits():
            if (index := named(visit.node)) is not None:
                used.add(index)
                descents += descent(visit.node) * visit.executions
        descents -= in_vain(plan.root, self._held.read) if self._held.read else 0.0
        if any(key.expression is not None for index in used for key in index.columns):
            descents += more_rows(plan, found)
        beyond = (
            self._beyond(plan, leading, self._depth_of(key), descent) if self._beyond is not None else 0.0
        )
        return Priced(plan, plan.total_cost + descents, frozenset(used), beyond)


def _leading(index: IndexDef) -> tuple[Place, Term]:
    return index.place, index.columns[0].term
