"""One statement alone: nothing is offered twice, and its best plan is the answer, thinned out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_indexes_advise import run, statement
from test_indexes_fixture import FakeSource, index, uses_of
from wedding_dbopt.indexes.candidates import candidates, shared, usage
from wedding_dbopt.indexes.cost import Weight, WorkloadCost
from wedding_dbopt.indexes.definition import IndexDef
from wedding_dbopt.indexes.reality import DepthOf, DescentOf, LeadingOf
from wedding_dbopt.indexes.selection.alone import chosen_alone
from wedding_dbopt.indexes.selection.problem import Problem
from wedding_dbopt.indexes.what_if import WhatIf
from wedding_dbopt.plan import Plan

VENUE, VENDOR = index("bookings", "venue_id"), index("bookings", "vendor_id")
BOTH = "select * from bookings where venue_id = $1 and vendor_id = $2"


def names(found: tuple[IndexDef, ...]) -> list[str]:
    return [", ".join(key.sql().replace('"', "") for key in item.columns) for item in found]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("select 1 from bookings where paid and venue_id = $1", True),
        ("select 1 from bookings where venue_id = $1 order by created_at", True),
        ("select 1 from bookings where not paid and venue_id = $1", False),
        ("select 1 from bookings where venue_id = $1 and vendor_id = $2", False),
        ("select 1 from bookings where venue_id > $1", False),
        ("select 1 from bookings order by email", False),
        ("select 1 from bookings order by created_at limit 1", False),
        ("select 1 from bookings where venue_id = $1 and archived", False),
    ],
)
def test_what_a_plan_shows_in_other_words_is_no_other_question(shown: str, said: bool) -> None:
    [own] = uses_of("select * from bookings where venue_id = $1 and paid = true order by created_at")
    [other] = uses_of(shown)
    assert own.asks(other) is said


def test_equal_keys_come_in_all_orders_only_where_somebody_else_asks_the_table() -> None:
    uses, vendors = uses_of(BOTH), uses_of("select * from vendors where city = $1")
    assert shared([uses, vendors]) == frozenset()
    assert shared([uses, uses]) == {uses[0].relation.oid}
    assert shared([uses_of("select * from bookings where venue_id = $1 or vendor_id = $2")])
    one = candidates(uses, usage([uses]), 3, shared([uses]))
    every = candidates(uses, usage([uses]), 3, shared([uses, uses]))
    assert names(one.plain) == ["vendor_id, venue_id", "vendor_id", "venue_id"]
    assert set(names(every.plain)) == {*names(one.plain), "venue_id, vendor_id"}


def test_a_key_behind_equal_ones_comes_in_one_direction() -> None:
    uses = uses_of(
        "select * from bookings where venue_id = $1 and wedding_date > $2 order by wedding_date desc limit 3"
    )
    assert "venue_id, wedding_date" in names(candidates(uses, usage([uses])).plain)
    assert not any("DESC" in name for name in names(candidates(uses, usage([uses])).plain))
    # NULLS LAST is no direction of it.
    uses = uses_of(
        "select * from bookings where venue_id = $1 and wedding_date > $2 order by wedding_date desc nulls last limit 3"
    )
    assert "venue_id, wedding_date DESC NULLS LAST" in names(candidates(uses, usage([uses])).plain)


@pytest.mark.parametrize(
    ("share", "first"),
    [(0.9, "vendor_id, deleted_at"), (None, "vendor_id, deleted_at"), (0.00001, "deleted_at, vendor_id")],
)
def test_a_key_asked_for_null_counts_by_its_nulls(share: float | None, first: str) -> None:
    [use] = uses_of("select * from bookings where deleted_at is null and vendor_id = $1")
    columns = dict(use.relation.columns)
    columns["deleted_at"] = replace(columns["deleted_at"], null_frac=share)
    uses = [replace(use, relation=replace(use.relation, columns=columns))]
    assert names(candidates(uses, usage([uses])).plain)[0] == first


def one_of(price: dict[tuple[str, ...], float]) -> FakeSource:
    """A planner that takes the dearest saving: the longest list of keys with a price."""

    def cheapest(key: str, live: list[str]) -> tuple[float, list[str]]:
        keys = {
            tuple(sql.split("btree (")[1].split(")")[0].replace('"', "").split(", ")): sql for sql in live
        }
        best = min((cost, columns) for columns, cost in price.items() if not columns or columns in keys)
        return best[0], [keys[best[1]]] if best[1] else []

    return FakeSource(cheapest)


@pytest.mark.parametrize(("wide", "expected"), [(50.0, ["vendor_id", "venue_id"]), (98.0, ["vendor_id"])])
def test_a_wider_index_must_pay_beside_its_head(wide: float, expected: list[str]) -> None:
    source = one_of({(): 1000.0, ("vendor_id",): 100.0, ("vendor_id", "venue_id"): wide})
    [found] = run(statement("q", text=BOTH), source=source).recommendations
    assert [key.column for key in found.index.columns] == expected


def test_a_statement_alone_costs_few_plans() -> None:
    source = one_of({(): 1000.0, ("vendor_id",): 100.0, ("vendor_id", "venue_id"): 50.0})
    assert run(statement("q", text=BOTH), source=source).explain_calls <= 4


def priced(beyond: float) -> Problem:
    """Both indexes cost about the same; that on vendor_id costs more than the planner knows."""

    def worse(plan: Plan, leading: LeadingOf, depth: DepthOf, descent: DescentOf) -> float:
        return beyond if any(leading(node.node) == "vendor_id" for node in plan.visits()) else 0.0

    source = one_of({(): 1000.0, ("venue_id",): 100.0, ("vendor_id",): 90.0})
    what_if = WhatIf(source, lambda index: 200_000_000, beyond=worse)
    what_if.watch("q", uses_of(BOTH))
    what_if.cost("q", frozenset({VENUE, VENDOR}))
    workload = WorkloadCost(what_if, {"q": Weight(1000.0, 1.0)}, lambda index: 8192, lambda index: 0.0)
    return Problem(workload, 10**9, lambda: False)


def test_the_best_plan_is_the_answer_only_as_far_as_the_planner_is_believed() -> None:
    teams = [frozenset({VENUE}), frozenset({VENDOR})]
    assert chosen_alone(priced(0.0), teams) == {VENDOR}
    assert chosen_alone(priced(500.0), teams) is None


def test_an_index_sorts_for_a_limit_though_not_all_equal_keys_fit() -> None:
    text = "select * from bookings where venue_id = $1 and vendor_id = $2 and status = $3 order by created_at limit 3"
    uses = uses_of(text)
    assert names(candidates(uses, usage([uses])).sorting) == ["vendor_id, venue_id, created_at"]


@pytest.mark.parametrize(("share", "searched"), [(0.01, False), (0.08, True)])
def test_descents_may_hide_a_plan_only_where_they_are_much_of_the_time(share: float, searched: bool) -> None:
    problem = priced(0.0)
    problem.workload.left = (  # type: ignore[method-assign]
        lambda config, descents=True: (0.0, 0.0) if descents else (share * problem.start, 0.5)
    )
    teams = [frozenset({VENUE}), frozenset({VENDOR})]
    assert (chosen_alone(problem, teams) is None) is searched


def test_little_losses_do_not_add_up() -> None:
    prices = {(): 1000.0, ("vendor_id",): 104.0, ("vendor_id", "venue_id"): 101.0}
    prices[("vendor_id", "venue_id", "status")] = 97.0
    source = one_of(prices)
    text = BOTH + " and status = $3"
    [found] = run(statement("q", text=text, mean_ms=50.0), source=source).recommendations
    assert [key.column for key in found.index.columns] == ["vendor_id", "venue_id"]
