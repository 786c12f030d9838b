"""GIN and GiST indexes for searches (words, trigrams, containment, ranges), worth what a built sample shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..catalog import Relation
from .conditions import Search
from .cost import LEAST_WINDOW_MS
from .definition import IndexDef
from .plans_seen import Priced
from .recommendation import Benefit, Recommendation, recommendation
from .sample import Proof, Unproven

# Of a statement with the chosen B-trees: each row has several entries in such an index, and what it brings is a sample's word.
_LEAST_GAIN = 0.2
# A search in words takes five times what the planner counts for each row that it looks at: 329 ms for 20,000 rows, or 16
# microseconds in the place of the usual 3. So a B-tree in the order of a LIMIT looks better than it is.
_WORDS = 5.0
_CONFIDENCE = 0.7
_ASSUMED_CONFIDENCE = 0.5

Prove = Callable[[Relation, Search], "Proof | Unproven"]


@dataclass(frozen=True)
class Demand:
    """A statement's wish: its cost as it is, its plan with the chosen B-trees and its time (ms) in the window."""

    key: str
    context: str
    criticality: str
    index: IndexDef
    relation: Relation
    search: Search
    before: float
    chosen: Priced
    total_ms: float
    observed: bool


def search_recommendations(
    demands: Iterable[Demand],
    prove: Prove,
    upkeep: Callable[[IndexDef, int], float],
    late: Callable[[], bool],
) -> tuple[list[Recommendation], list[tuple[str, str]]]:
    """The proven indexes that pay, best first, and (key, reason) where unproven."""
    proofs: dict[tuple[IndexDef, Search], Proof | Unproven] = {}
    benefits: dict[IndexDef, dict[str, Benefit]] = {}
    sizes: dict[IndexDef, int] = {}
    known: dict[IndexDef, bool] = {}
    unproven: list[tuple[str, str]] = []
    for demand in demands:
        case = (demand.index, demand.search)
        if case not in proofs:
            if late():
                unproven.append((demand.key, "the time limit came before the sample of a search index"))
                continue
            if _benefit(demand, 0.0) is None:
                continue
            proofs[case] = prove(demand.relation, demand.search)
        proof = proofs[case]
        if isinstance(proof, Unproven):
            unproven.append((demand.key, f"{demand.search.method.upper()} index unproven: {proof.reason}"))
            continue
        benefit = _benefit(demand, proof.cost_after)
        if benefit is not None:
            key = replace(demand.index.columns[0], opclass=proof.opclass)
            index = replace(demand.index, columns=(key,))
            benefits.setdefault(index, {})[demand.key] = benefit
            sizes[index] = max(sizes.get(index, 0), proof.estimated_bytes)
            known[index] = known.get(index, False) or not demand.search.assumed
    found = []
    for index, won in benefits.items():
        cost = upkeep(index, sizes[index])
        least = LEAST_WINDOW_MS if all(benefit.observed for benefit in won.values()) else 0.0
        if sum(benefit.saved_ms for benefit in won.values()) > max(cost, least):
            found.append(
                recommendation(
                    index,
                    list(won.values()),
                    size=sizes[index],
                    write_cost=cost,
                    confidence=_CONFIDENCE if known[index] else _ASSUMED_CONFIDENCE,
                    proof="sample",
                )
            )
    return sorted(found, key=lambda item: (-item.total_benefit_ms, item.name)), unproven


def affordable(
    searched: Sequence[Recommendation], others: Sequence[Recommendation], budget: int
) -> list[Recommendation]:
    """Those of the search indexes that have room beside the chosen B-trees, where all together bring most in `budget` bytes."""

    def gain(item: Recommendation) -> float:
        return item.total_benefit_ms - item.write_cost

    def filled(order: Callable[[Recommendation], float]) -> list[Recommendation]:
        held: list[Recommendation] = []
        room = budget
        for item in sorted((*searched, *others), key=lambda item: (-order(item), item.name)):
            if item.estimated_bytes <= room:
                held.append(item)
                room -= item.estimated_bytes
        return held

    views = filled(lambda item: gain(item) / max(item.estimated_bytes, 1)), filled(gain)
    best = max(views, key=lambda held: sum(map(gain, held)))
    return [item for item in searched if item in best]


def _benefit(demand: Demand, cost_after: float) -> Benefit | None:
    """What the scan of the searched table would cost less; None where that is too little beside the chosen B-trees."""
    relation = demand.relation
    tables = {name for _, name in relation.holders}
    visits = (v for v in demand.chosen.plan.visits() if v.node.is_scan and v.node.relation in tables)
    scans = [v.node.total_cost * v.executions * v.share for v in visits if v.node.filter]
    scan = sum(scans) if relation.leaves else max(scans, default=0.0)
    after = demand.chosen.cost - max(scan - cost_after, 0.0)
    more = (_WORDS - 1.0) * scan if demand.search.family == "tsvector" else 0.0
    if 1 - after / max(demand.chosen.cost + more, 1e-9) < _LEAST_GAIN:
        return None
    saved = demand.total_ms * (1 - after / max(demand.before + more, 1e-9))
    who = (demand.context, demand.criticality, demand.observed)
    return Benefit(demand.key, demand.before, after, saved, demand.total_ms, *who)
