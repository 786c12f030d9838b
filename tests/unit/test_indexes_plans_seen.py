"""What is told of sets from the plans seen is what a look at all of them would tell."""

from __future__ import annotations

import random

import pytest
from wedding_dbopt.indexes.plans_seen import PlanSeen, PlansSeen, Priced, worst_of
from wedding_dbopt.plan import Plan


def seen(offered: int, used: int, cost: float, beyond: float = 0.0, kind: str = "Result") -> PlanSeen:
    plan = Plan.from_json([{"Plan": {"Node Type": kind, "Total Cost": cost, "Plan Rows": 1}}])
    return PlanSeen(offered, used, Priced(plan, cost, frozenset(), beyond))


def told(plans: list[PlanSeen], forms: int, lowest: float, worst: bool) -> tuple[float, float]:
    """The same by a look at every plan."""
    possible = [item for item in plans if not item.used & ~forms]
    cheapest = min(possible, key=lambda item: (item.priced.cost, item.used, item.priced.worth)).priced
    worth = worst_of([item.priced for item in possible], cheapest.cost) if worst else cheapest.worth
    wider = [item for item in plans if not forms & ~item.offered]
    if any(not item.used & ~forms for item in wider):
        return worth, worth
    return worth, min(worth, max((item.priced.least for item in wider), default=lowest))


@pytest.mark.parametrize("worst", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_plans_that_are_left_out_decide_nothing(seed: int, worst: bool) -> None:
    chance = random.Random(seed)
    plans = [seen(0, 0, 100.0)]
    for _ in range(60):
        offered = chance.getrandbits(8) & chance.choice([255, 63, 15])
        beyond = chance.choice([0.0, 0.0, 7.0]) if worst else 0.0
        used, kind = offered & chance.getrandbits(8), chance.choice(["Result", "Sort", "Unique"])
        plans.append(seen(offered, used, chance.uniform(10, 100), beyond, kind))
    held = PlansSeen(worst)
    for number, plan in enumerate(plans, start=1):
        held.add(plan)
        for _ in range(20):
            forms = chance.getrandbits(8)
            assert held.guess(forms, 5.0) == told(plans[:number], forms, 5.0, worst)
            bounds = [item.priced.least for item in plans[:number] if not forms & ~item.offered]
            assert held.floor(forms, 5.0) == max(bounds, default=5.0)


def test_a_near_plan_counts_unless_it_only_reads_another_index() -> None:
    def of(kind: str, index: str, cost: float, beyond: float, joined: str = "") -> Priced:
        node = {"Node Type": kind, "Alias": "v", "Index Name": index, "Index Cond": f"(id = {joined}x.id)"}
        plan = Plan.from_json([{"Plan": {**node, "Total Cost": cost, "Plan Rows": 1}}])
        return Priced(plan, cost, frozenset(), beyond)

    best = of("Index Only Scan", "wide", 100.0, 0.0)
    assert worst_of([best, of("Index Scan", "narrow", 101.0, 50.0)], best.cost) == 100.0
    assert worst_of([best, of("Index Scan", "narrow", 101.0, 50.0, "y.")], best.cost) == 151.0
    assert worst_of([best, of("Index Scan", "narrow", 105.0, 50.0, "y.")], best.cost) == 100.0


def test_a_plan_that_another_outdoes_everywhere_is_not_held() -> None:
    held = PlansSeen(worst=False)
    for cost in (50.0, 40.0, 60.0, 40.0):
        held.add(seen(3, 1, cost))
    assert len(held._cheapest) == 1 and held.guess(1, 0.0) == (40.0, 40.0)
