"""Sets of indexes: better ones foreseen from known plans, sets made to fit, and indexes that others may read unseen."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from test_indexes_fixture import BOOKINGS, FakeSource, index, uses_of
from wedding_dbopt.indexes.cost import Weight, WorkloadCost
from wedding_dbopt.indexes.definition import Config, IndexDef
from wedding_dbopt.indexes.hidden import Hidden
from wedding_dbopt.indexes.reality import DepthOf, DescentOf, LeadingOf
from wedding_dbopt.indexes.selection.foresee import foreseen, preferred
from wedding_dbopt.indexes.selection.problem import Problem
from wedding_dbopt.indexes.selection.select import select
from wedding_dbopt.indexes.selection.shrink import shrunk
from wedding_dbopt.indexes.what_if import WhatIf
from wedding_dbopt.plan import Plan

VENUE, VENDOR, DAY, MAIL = (
    index("bookings", name) for name in ("venue_id", "vendor_id", "wedding_date", "email")
)
TEXTS = {
    "venue": "select * from bookings where venue_id = $1",
    "vendor": "select * from bookings where vendor_id = $1",
    "day": "select * from bookings where wedding_date = $1",
    "mail": "select * from bookings where email = $1",
}
SIZES = {VENUE: 60, VENDOR: 50, DAY: 50, MAIL: 10}
LEFT = {"venue": 0.39, "vendor": 0.4, "day": 0.4, "mail": 0.9}


def workload(left: Mapping[str, float] = LEFT) -> tuple[WhatIf, WorkloadCost]:
    """Each statement costs 1000 without its index, so much of it with it."""

    def price(key: str, live: list[str]) -> tuple[float, list[str]]:
        column = {"venue": "venue_id", "vendor": "vendor_id", "day": "wedding_date", "mail": "email"}[key]
        used = [sql for sql in live if f'("{column}")' in sql]
        return (1000.0 * left[key], used) if used else (1000.0, [])

    what_if = WhatIf(FakeSource(price), lambda index: 10_000_000)
    for key, text in TEXTS.items():
        what_if.watch(key, uses_of(text))
    cost = WorkloadCost(
        what_if, dict.fromkeys(TEXTS, Weight(1000.0, 1.0)), SIZES.__getitem__, lambda index: 0.0
    )
    return what_if, cost


def never() -> bool:
    return False


def test_two_indexes_take_the_place_of_one_by_known_plans_alone() -> None:
    what_if, cost = workload()
    teams = [frozenset({index}) for index in SIZES]
    for team in teams:
        cost.total(team)
    asked = what_if.calls
    start = frozenset({VENUE, MAIL})
    better = foreseen(Problem(cost, 100, never), teams, start)
    assert better == {VENDOR, DAY}
    # What was tried on the way was priced by what is known: no more plans than those of the outcomes.
    assert what_if.calls - asked <= 2 * len(TEXTS)
    assert foreseen(Problem(cost, 100, never), [], start) == start
    assert foreseen(Problem(cost, 100, lambda: True), teams, start) == start


def test_the_best_of_several_beginnings_is_gone_on_with() -> None:
    _, cost = workload()
    teams = [frozenset({index}) for index in SIZES]
    poor, rich = frozenset({MAIL}), frozenset({VENDOR, DAY})
    assert foreseen(Problem(cost, 100, never), [], poor, rich) == rich
    assert foreseen(Problem(cost, 100, lambda: True), teams, poor, rich) == rich
    # What is best by far may be reached from the poorest beginning alone.
    assert foreseen(Problem(cost, 100, never), teams, frozenset({VENUE, MAIL}), poor) == rich


def test_the_same_workload_gets_the_same_set() -> None:
    answers = []
    for _ in range(2):
        _, cost = workload()
        teams = [frozenset({index}) for index in SIZES]
        answers.append(foreseen(Problem(cost, 120, never), teams, frozenset()))
    assert answers[0] == answers[1]
    assert sum(map(SIZES.__getitem__, answers[0])) <= 120


def test_no_set_is_foreseen_that_makes_a_statement_dearer() -> None:
    _, cost = workload({**LEFT, "vendor": 1.5})
    teams = [frozenset({index}) for index in SIZES]
    for team in teams:
        cost.total(team)
    found = foreseen(Problem(cost, 1000, never), teams, frozenset())
    assert found == {VENUE, DAY, MAIL}


def test_what_would_harm_a_statement_comes_with_what_relieves_it() -> None:
    columns = {"venue_id": VENUE, "vendor_id": VENDOR}

    def price(key: str, live: list[str]) -> tuple[float, list[str]]:
        venue, vendor = ([sql for sql in live if f'("{column}")' in sql] for column in columns)
        if key == "venue":
            return (300.0, venue) if venue else (1000.0, [])
        return (800.0, vendor) if vendor else (900.0, venue) if venue else (1000.0, [])

    def beyond(plan: Plan, leading: LeadingOf, depth: DepthOf, descent: DescentOf) -> float:
        return {900.0: 600.0, 800.0: 200.0}.get(plan.total_cost, 0.0)

    what_if = WhatIf(FakeSource(price), lambda index: 10_000_000, beyond=beyond)
    what_if.watch("venue", uses_of(TEXTS["venue"]))
    what_if.watch("both", uses_of("select * from bookings where venue_id = $1 and vendor_id = $2"))
    weights = dict.fromkeys(("venue", "both"), Weight(1000.0, 1.0))
    cost = WorkloadCost(what_if, weights, SIZES.__getitem__, lambda index: 50.0 * (index == VENDOR))
    teams = [frozenset({VENUE}), frozenset({VENDOR})]
    # Alone one makes the other statement half again dearer, and the other only costs its upkeep.
    assert cost.change(frozenset(), teams[0]).worst_ratio > 1.4
    assert cost.change(frozenset(), teams[1]).gain < 0
    assert foreseen(Problem(cost, 1000, never), teams, frozenset()) == {VENUE, VENDOR}


@pytest.mark.parametrize("few", [True, False])
def test_a_set_is_selected_for_few_and_for_many_statements(few: bool) -> None:
    _, cost = workload()
    teams = [frozenset({index}) for index in SIZES]
    for team in teams:
        cost.total(team)
    assert select(teams, [], cost, 100, lambda part: False, few, given_up=0.0) == {VENDOR, DAY}


@pytest.mark.parametrize(
    ("budget", "kept"), [(170, set(SIZES)), (160, {VENUE, VENDOR, MAIL}), (110, {VENUE, VENDOR})]
)
def test_what_brings_least_per_byte_makes_room(budget: int, kept: set[IndexDef]) -> None:
    _, cost = workload({"venue": 0.3, "vendor": 0.39, "day": 0.7, "mail": 0.9})
    assert shrunk(Problem(cost, budget, never), frozenset(SIZES)) == kept


def test_a_set_that_cannot_be_made_to_fit_in_time_is_none() -> None:
    _, cost = workload()
    assert shrunk(Problem(cost, 10, never), frozenset({VENUE})) == frozenset()
    assert shrunk(Problem(cost, 10, lambda: True), frozenset({VENUE})) is None


LATE = '"created_at" < "deleted_at"'


def late(*columns: str, include: tuple[str, ...] = (), guessed: bool = True) -> IndexDef:
    return index("bookings", *columns, include=include, where=LATE, fraction=1 / 3, guessed=guessed)


def test_an_index_that_others_may_read_unseen_comes_beside_one_that_serves_them() -> None:
    own = uses_of("select venue_id from bookings where vendor_id = $1 and created_at < deleted_at")
    other = uses_of("select 1 from bookings where venue_id = $1 and created_at < deleted_at")
    asked, serving = late("vendor_id", include=("venue_id",)), late("venue_id")
    hidden = Hidden([*own, *other], [asked, serving])
    assert not hidden.allow([asked])
    assert hidden.allow([asked, serving]) and hidden.allow([serving])
    assert hidden.without([asked, VENUE]) == {VENUE}
    # What the other needs is not all there, or statistics know the rows, or nobody else asks: then it is seen.
    assert Hidden([*own, *other], [late("vendor_id")]).allow([late("vendor_id")])
    known = late("vendor_id", include=("venue_id",), guessed=False)
    assert Hidden([*own, *other], [known]).allow([known])
    assert Hidden(own, [asked]).allow([asked])


def test_what_the_planner_takes_without_his_first_choice_concerns_the_statement_too() -> None:
    def price(key: str, live: list[str]) -> tuple[float, list[str]]:
        for column, cost in (("vendor_id", 50.0), ("venue_id", 80.0)):
            if used := [sql for sql in live if f'("{column}")' in sql]:
                return cost, used
        return 100.0, []

    def beyond(plan: Plan, leading: LeadingOf, depth: DepthOf, descent: DescentOf) -> float:
        return 500.0 if any(leading(visit.node) == "venue_id" for visit in plan.visits()) else 0.0

    what_if = WhatIf(FakeSource(price), lambda index: 200_000, beyond=beyond)
    what_if.watch("q", uses_of("select * from bookings where venue_id = $1 and vendor_id = $2"))
    what_if.narrow("q", [VENDOR])
    only: Config = frozenset({VENUE})
    assert what_if.cost("q", only).worth == 100.0
    assert what_if.second_choices("q", frozenset({VENUE, VENDOR})) == [only]
    assert what_if.cost("q", only).worth > 500.0
    assert what_if.second_choices("q", frozenset({VENDOR})) == []


def test_where_one_may_only_be_taken_beside_a_second_its_loss_is_the_loss_of_both() -> None:
    own = uses_of("select venue_id from bookings where vendor_id = $1 and created_at < deleted_at")
    other = uses_of("select 1 from bookings where venue_id = $1 and created_at < deleted_at")
    asked, serving = late("vendor_id", include=("venue_id",)), late("venue_id")
    hidden = Hidden([*own, *other], [asked, serving])
    assert list(hidden.together()) == [{asked, serving}]
    third = late("venue_id", "email")
    assert Hidden([*own, *other], [asked, third]).without([asked]) == frozenset()
    assert hidden.without([asked, serving, DAY]) == {asked, serving, DAY}


def test_room_is_made_without_an_end_of_all_where_one_needs_another() -> None:
    _, cost = workload({"venue": 0.9, "vendor": 0.3, "day": 0.5, "mail": 0.6})
    cost.allows = lambda config: VENDOR not in config or VENUE in config
    assert shrunk(Problem(cost, 115, never), frozenset(SIZES)) == {DAY, MAIL}


def test_a_swap_of_equals_is_none_though_relative_gains_count() -> None:
    _, cost = workload(dict.fromkeys(LEFT, 0.001))
    leaning = Problem(cost.leaning(1.0), 1000, never)
    held = frozenset(SIZES)
    assert leaning.workload.total(held) < 0 < leaning.workload.time(held)
    assert preferred(leaning, held - {MAIL}, held - {MAIL}) == held - {MAIL}
    equal = held - {MAIL} | {index("bookings", "note")}
    assert preferred(leaning, held - {MAIL}, equal) == held - {MAIL}


def test_what_a_row_costs_is_known_after_a_table_is_settled() -> None:
    depths = []

    def beyond(plan: Plan, leading: LeadingOf, depth: DepthOf, descent: DescentOf) -> float:
        depths.append(depth(BOOKINGS))
        return 0.0

    what_if = WhatIf(FakeSource(lambda key, live: (100.0, [])), lambda index: 200_000, beyond=beyond)
    what_if.watch("q", uses_of("select venue_id from bookings where vendor_id = $1"))
    what_if.cost("q", frozenset({VENDOR}))
    what_if.settle("q", BOOKINGS.place)
    what_if.cost("q", frozenset())
    assert set(depths) == {1.5}
