"""GIN indexes for full-text and containment conditions, worth what a built sample shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..catalog import Relation
from .definition import IndexDef
from .predicates import Search
from .recommendation import Benefit, Recommendation, recommendation
from .sample import Proof, Unproven
from .selection.extend import MIN_STATEMENT_GAIN
from .what_if import Priced

# A pending-list insert touches many lexemes: about ten B-tree entries.
_ENTRIES = 10.0
_CONFIDENCE = 0.7

Prove = Callable[[Relation, Search], "Proof | Unproven"]


@dataclass(frozen=True)
class Demand:
    """A statement's wish for a GIN index: its plan as it is and its time (ms) in the window."""

    key: str
    context: str
    criticality: str
    index: IndexDef
    relation: Relation
    search: Search
    priced: Priced
    total_ms: float
    observed: bool


def search_recommendations(
    demands: Iterable[Demand],
    prove: Prove,
    budget: int,
    upkeep: Callable[[IndexDef, int], float],
) -> tuple[list[Recommendation], list[tuple[str, str]]]:
    """The proven indexes that pay, best first within `budget` bytes, and (key, reason) where unproven."""
    proofs: dict[tuple[IndexDef, Search], Proof | Unproven] = {}
    benefits: dict[IndexDef, dict[str, Benefit]] = {}
    sizes: dict[IndexDef, int] = {}
    unproven: list[tuple[str, str]] = []
    for demand in demands:
        case = (demand.index, demand.search)
        if case not in proofs:
            proofs[case] = prove(demand.relation, demand.search)
        proof = proofs[case]
        if isinstance(proof, Unproven):
            unproven.append((demand.key, f"GIN index unproven: {proof.reason}"))
            continue
        benefit = _benefit(demand, proof)
        if benefit is not None:
            benefits.setdefault(demand.index, {})[demand.key] = benefit
            sizes[demand.index] = max(sizes.get(demand.index, 0), proof.estimated_bytes)
    found = []
    for index, won in benefits.items():
        cost = _ENTRIES * upkeep(index, sizes[index])
        if sum(benefit.saved_ms for benefit in won.values()) > cost:
            found.append(
                recommendation(
                    index,
                    list(won.values()),
                    size=sizes[index],
                    write_cost=cost,
                    confidence=_CONFIDENCE,
                    proof="sample",
                )
            )
    kept: list[Recommendation] = []
    for item in sorted(found, key=lambda item: (-item.total_benefit_ms, item.name)):
        if item.estimated_bytes + sum(other.estimated_bytes for other in kept) <= budget:
            kept.append(item)
    return kept, unproven


def _benefit(demand: Demand, proof: Proof) -> Benefit | None:
    """What the scan of the searched table would cost less; None below 5 % of the statement."""
    table = demand.relation.name
    visits = (v for v in demand.priced.plan.visits() if v.node.is_scan and v.node.relation == table)
    scan = max((v.node.total_cost * v.executions * v.share for v in visits if v.node.filter), default=0.0)
    before = demand.priced.cost
    after = before - max(scan - proof.cost_after, 0.0)
    share = 1 - after / max(before, 1e-9)
    if share < MIN_STATEMENT_GAIN:
        return None
    saved = demand.total_ms * share
    return Benefit(
        demand.key, before, after, saved, demand.total_ms, demand.context, demand.criticality, demand.observed
    )
