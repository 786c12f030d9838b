from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from test_indexes_fixture import CATALOG, FakeSource, column, index, relation, uses_of
from wedding_dbopt.database import DatabaseError
from wedding_dbopt.indexes.candidates import candidates, usage
from wedding_dbopt.indexes.cost import Weight, WorkloadCost
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.explore import Explorer
from wedding_dbopt.indexes.predicates import Group, TableUse
from wedding_dbopt.indexes.reality import DepthOf, DescentOf, LeadingOf
from wedding_dbopt.indexes.selection.relieve import relieved
from wedding_dbopt.indexes.sizes import Sizes
from wedding_dbopt.indexes.terms import column_term
from wedding_dbopt.indexes.what_if import WhatIf
from wedding_dbopt.indexes.workload import Workload
from wedding_dbopt.plan import Plan

COUPLES = IndexDef("public", "couples", (Key(column_term("user_id")),))


class Policed:
    """Plans an INSERT whose policy looks a couple up: the root's cost leaves the check out."""

    def __init__(self, root_cost: float) -> None:
        self._root_cost = root_cost

    def explain(self, key: str) -> Any:
        lookup = {
            "Node Type": "Index Scan",
            "Parent Relationship": "SubPlan",
            "Subplan Name": "SubPlan 1",
            "Relation Name": "couples",
            "Schema": "public",
            "Index Name": "<7>btree_couples_user_id",
            "Startup Cost": 0.28,
            "Total Cost": 8.3,
            "Plan Rows": 1,
            "Plan Width": 16,
        }
        root = {
            "Node Type": "Result",
            "Startup Cost": 0.0,
            "Total Cost": self._root_cost,
            "Plan Rows": 1,
            "Plan Width": 16,
            "Plans": [lookup],
        }
        return {"Plan": root}

    def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
        return [7] * len(wanted)

    def drop_hypothetical(self, oids: Sequence[int]) -> None:
        assert set(oids) <= {7}


@pytest.mark.parametrize(("root_cost", "charged"), [(0.01, False), (20.0, True)])
def test_a_descent_is_charged_only_where_the_root_counts_the_node(root_cost: float, charged: bool) -> None:
    what_if = WhatIf(Policed(root_cost), lambda index: 200_000)
    couples = relation("couples", [column("user_id")])
    what_if.watch("insert", [TableUse(couples, (Group(equal=(column_term("user_id"),)),))])
    priced = what_if.cost("insert", frozenset({COUPLES}))
    assert priced.used == {COUPLES}
    assert (priced.cost > root_cost) is charged


VENUE, VENDOR = index("bookings", "venue_id"), index("bookings", "vendor_id")


def priced_by(price: dict[tuple[str, ...], float]) -> FakeSource:
    """A planner that takes the cheapest of some sets of leading columns, each with its price."""

    def cheapest(key: str, live: list[str]) -> tuple[float, list[str]]:
        leads = {sql.split('btree ("')[1].split('"')[0]: sql for sql in live}
        best = min((cost, columns) for columns, cost in price.items() if set(columns) <= set(leads))
        return best[0], [leads[column] for column in best[1]]

    return FakeSource(cheapest)


def watched(source: FakeSource) -> WhatIf:
    what_if = WhatIf(source, lambda index: 200_000_000)
    what_if.watch("q", uses_of("select * from bookings where venue_id = $1 and vendor_id = $2"))
    return what_if


def test_a_plan_chosen_among_many_is_not_asked_for_again_among_fewer() -> None:
    what_if = watched(priced_by({(): 1000.0, ("venue_id",): 100.0, ("vendor_id",): 200.0}))
    many = what_if.cost("q", frozenset({VENUE, VENDOR}))
    assert what_if.cost("q", frozenset({VENUE})) == many
    assert what_if.calls == 1
    assert what_if.cost("q", frozenset({VENDOR})).used == {VENDOR}
    assert what_if.calls == 2


def test_a_plan_that_only_seems_cheaper_without_its_descents_is_not_believed() -> None:
    what_if = watched(priced_by({(): 100.0, ("venue_id",): 99.99}))
    assert what_if.cost("q", frozenset()).cost == 100.0
    assert what_if.cost("q", frozenset({VENUE})).cost == 100.0
    assert what_if.cost("q", frozenset({VENUE})).used == frozenset()


def test_what_the_planner_takes_together_is_known_though_it_loses_and_a_part_of_it_wins() -> None:
    what_if = watched(priced_by({(): 100.0, ("venue_id",): 99.5, ("venue_id", "vendor_id"): 99.3}))
    what_if.cost("q", frozenset())
    both = frozenset({VENUE, VENDOR})
    assert what_if.used("q", both) == frozenset()
    assert what_if.taken("q", both) == both
    assert what_if.used("q", frozenset({VENUE})) == {VENUE}
    workload = Workload(
        what_if, uses={"q": uses_of("select * from bookings where venue_id = $1 and vendor_id = $2")}
    )
    explorer = Explorer(workload, CATALOG, Sizes(lambda relation, index: 200_000_000, None), 3)
    assert explorer._used("q", both) == {VENUE}


def test_a_plan_that_costs_the_planner_about_the_same_counts_with_its_worst() -> None:
    def worse_with_venue(plan: Plan, leading: LeadingOf, depth: DepthOf, descent: DescentOf) -> float:
        return 500.0 if any(leading(node.node) == "venue_id" for node in plan.visits()) else 0.0

    source = priced_by({(): 100.0, ("venue_id",): 87.0, ("vendor_id",): 85.0})
    what_if = WhatIf(source, lambda index: 200_000_000, beyond=worse_with_venue)
    what_if.watch("q", uses_of("select * from bookings where venue_id = $1 and vendor_id = $2"))
    assert what_if.cost("q", frozenset({VENUE})).worth > 500
    both = what_if.cost("q", frozenset({VENUE, VENDOR}))
    assert both.used == {VENDOR} and both.worth > 500
    assert what_if.cost("q", frozenset({VENDOR})).worth < 100


def test_what_the_planner_takes_when_he_has_no_better_is_seen_after_all() -> None:
    def worse_with_venue(plan: Plan, leading: LeadingOf, depth: DepthOf, descent: DescentOf) -> float:
        return 500.0 if any(leading(node.node) == "venue_id" for node in plan.visits()) else 0.0

    source = priced_by({(): 100.0, ("venue_id",): 80.0, ("vendor_id",): 50.0})
    what_if = WhatIf(source, lambda index: 200_000_000, beyond=worse_with_venue)
    what_if.watch("q", uses_of("select * from bookings where venue_id = $1 and vendor_id = $2"))
    what_if.narrow("q", [VENDOR])
    assert what_if.cost("q", frozenset({VENUE})).worth == 100.0
    assert not what_if.widen("q", frozenset({VENDOR}))
    assert what_if.widen("q", frozenset({VENUE}))
    assert what_if.cost("q", frozenset({VENUE})).worth > 500
    weights = {"q": Weight(1.0, 1.0)}
    cost = WorkloadCost(what_if, weights, lambda index: 1, lambda index: 0.0)
    assert relieved(frozenset({VENUE}), cost) == frozenset()
    assert relieved(frozenset({VENDOR}), cost) == {VENDOR}


@pytest.mark.parametrize(("price_of_wide", "differs"), [(150.0, True), (100.5, False)])
def test_an_index_wider_than_a_statement_needs_is_priced_as_wide_as_it_is_once_it_is_chosen(
    price_of_wide: float, differs: bool
) -> None:
    def price(key: str, live: list[str]) -> tuple[float, list[str]]:
        costs = [(price_of_wide if "note" in sql else 100.0, [sql]) for sql in live if '("venue_id"' in sql]
        return min(costs, default=(1000.0, []))

    wide = index("bookings", "venue_id", "note")
    source = FakeSource(price)
    what_if = WhatIf(source, lambda index: 100_000 * len(index.columns))
    what_if.watch("q", uses_of("select * from bookings where venue_id = $1"))
    assert what_if.cost("q", frozenset({wide})).plan.total_cost == 100.0
    assert what_if.exact("q", frozenset({wide})) is differs
    assert what_if.cost("q", frozenset({wide})).plan.total_cost == (price_of_wide if differs else 100.0)
    assert what_if.used("q", frozenset({wide})) == {wide}
    asked = what_if.calls
    assert not what_if.exact("q", frozenset({VENUE})) and what_if.calls <= asked + 1


def test_a_statement_costs_at_least_what_it_costs_with_more() -> None:
    what_if = watched(priced_by({(): 1000.0, ("venue_id",): 100.0, ("vendor_id",): 200.0}))
    what_if.cost("q", frozenset({VENUE, VENDOR}))
    assert what_if.floor("q", frozenset({VENDOR})) == 100.0
    what_if.cost("q", frozenset({VENDOR}))
    assert what_if.floor("q", frozenset({VENDOR})) == 200.0


def test_an_index_that_only_repeats_an_existing_one_for_a_statement_does_not_concern_it() -> None:
    what_if = watched(priced_by({(): 1000.0}))
    what_if.watch("q", uses_of("select status from bookings where id = $1"))
    assert what_if.concerns("q", index("bookings", "id", include=("status",)))
    assert not what_if.concerns("q", index("bookings", "id", include=("email",)))


def test_an_index_with_which_the_planner_fails_brings_nothing() -> None:
    def failing(key: str, live: list[str]) -> tuple[float, list[str]]:
        if live:
            raise DatabaseError("invalid attnum 5 for relation", "XX000")
        return 1000.0, []

    what_if = watched(FakeSource(failing))
    assert what_if.cost("q", frozenset({VENUE})) == what_if.cost("q", frozenset())
    assert what_if.cost("q", frozenset({VENDOR})).used == frozenset()
    with pytest.raises(DatabaseError):
        watched(FakeSource(lambda key, live: failing(key, ["any"]))).cost("q", frozenset())


def test_what_is_known_without_an_explain_is_told_so() -> None:
    what_if = watched(priced_by({(): 1000.0, ("venue_id",): 100.0, ("vendor_id",): 200.0}))
    what_if.cost("q", frozenset({VENUE, VENDOR}))
    assert what_if.settled("q", frozenset({VENUE}))
    assert not what_if.settled("q", frozenset({VENDOR}))


def test_only_what_the_planner_took_concerns_a_statement_afterwards() -> None:
    what_if = watched(priced_by({(): 1000.0, ("venue_id",): 100.0}))
    what_if.narrow("q", [VENUE])
    assert what_if.concerns("q", index("bookings", "venue_id", "status"))
    assert not what_if.concerns("q", VENDOR)


def test_columns_for_other_statements_change_nothing_for_this_one() -> None:
    what_if = watched(priced_by({(): 1000.0, ("venue_id",): 100.0}))
    wide = index("bookings", "venue_id", "created_at", include=("email",))
    what_if.cost("q", frozenset({VENUE}))
    assert what_if.used("q", frozenset({wide})) == {wide}
    assert what_if.used("q", frozenset({wide, VENUE})) <= {wide, VENUE}
    assert what_if.calls == 1


def test_a_partial_index_that_hypopg_passes_over_is_seen_by_its_stand_in() -> None:
    source = priced_by({(): 1000.0, ("status",): 100.0})
    what_if = WhatIf(source, lambda index: 200_000)
    what_if.watch("q", uses_of("select * from bookings where status = 'rare' and venue_id = $1"))
    partial = index("bookings", "venue_id", where="\"status\" = 'rare'")
    assert what_if.used("q", frozenset({partial})) == {partial}
    what_if.cost("q", frozenset({VENUE}))
    assert all("WHERE" not in sql and '("status"' not in sql for sql in source.live.values())
    what_if.close()
    assert not source.live


RARE_AND_OLD = {
    "where": '"archived" AND "status" = \'rare\'',
    "joint": ('"archived"', "\"status\" = 'rare'"),
    "fraction": 0.1,
}


class Scanned(FakeSource):
    """Every plan is one scan of the live index led by the venue, with a filter; without one it costs 1000."""

    def __init__(self, filtered: str) -> None:
        super().__init__(lambda key, live: (1000.0, []))
        self.filtered = filtered
        self.asked: list[str] = []

    def explain(self, key: str) -> Any:
        self.asked.append(key)
        oid = next(
            (oid for oid, sql in self.live.items() if '("venue_id"' in sql and "WHERE" not in sql), None
        )
        scan = {
            "Node Type": "Index Scan",
            "Relation Name": "bookings",
            "Alias": "b",
            "Total Cost": 200.0,
            "Plan Rows": 1,
        }
        if oid is None:
            return {"Plan": {**scan, "Node Type": "Seq Scan", "Total Cost": 1000.0}}
        return {"Plan": {**scan, "Index Name": f"<{oid}>btree", "Filter": self.filtered}}


def test_what_a_stand_in_reads_in_vain_is_taken_off() -> None:
    text = "select * from bookings where status = 'rare' and archived and venue_id = $1"
    what_if = WhatIf(Scanned("(b.archived AND (b.status = 'rare'))"), lambda index: 8192)
    what_if.watch("q", uses_of(text))
    together = index("bookings", "venue_id", **RARE_AND_OLD)
    assert what_if.used("q", frozenset({together})) == {together}
    assert what_if.cost("q", frozenset({together})).cost == pytest.approx(20, abs=0.5)


def test_a_stand_in_taken_without_the_conditions_does_not_count() -> None:
    text = "select * from bookings where status = 'rare' and archived and venue_id = $1"
    what_if = WhatIf(Scanned("(b.paid)"), lambda index: 8192)
    what_if.watch("q", uses_of(text))
    together = index("bookings", "venue_id", **RARE_AND_OLD)
    assert what_if.used("q", frozenset({together})) == frozenset()
    assert what_if.cost("q", frozenset({together})).cost == 1000


def test_an_index_of_what_an_exclusion_keeps_is_planned_without_it() -> None:
    condition = "\"note\" NOT LIKE '%x%'"
    source = Scanned("(b.note !~~ '%x%')")
    what_if = WhatIf(source, lambda index: 8192)
    what_if.watch("q", uses_of("select venue_id from bookings where note not like '%x%' and venue_id = $1"))
    kept = index("bookings", "venue_id", where=condition, joint=(condition,), fraction=1.0)
    what_if.leave_out("q", "q without", [condition])
    assert what_if.used("q", frozenset({kept})) == {kept}
    assert source.asked == ["q", "q without"]
    what_if.close()
    assert not source.live


class Choosy(FakeSource):
    """Makes no index on an expression, and counts what it is asked to make."""

    def __init__(self) -> None:
        super().__init__(lambda key, live: (10.0 if live else 1000.0, live[:1]))
        self.made: list[list[str]] = []

    def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
        self.made.append([sql for sql, _ in wanted])
        if any("DATE_TRUNC" in sql for sql, _ in wanted):
            raise DatabaseError("functions in index expression must be marked IMMUTABLE", "42P17")
        return super().create_hypothetical(wanted)


def test_an_expression_that_is_refused_is_not_tried_again_in_other_indexes() -> None:
    source = Choosy()
    what_if = WhatIf(source, lambda index: 200_000_000)
    text = (
        "select * from bookings where date_trunc('day', created_at) = $1 and venue_id = $2 and vendor_id = $3"
    )
    uses = uses_of(text)
    what_if.watch("q", uses)
    offered = frozenset(candidates(uses, usage([uses])).plain)
    unfit = {index for index in offered if any(key.expression for key in index.columns)}
    assert len(unfit) > 3
    assert what_if.used("q", offered) <= offered - unfit
    # All at once, those of columns at once, one expression.
    assert [len(made) for made in source.made] == [len(offered), len(offered - unfit), 1]
    assert what_if.used("q", frozenset(unfit)) == frozenset()
    assert len(source.made) == 3


def test_what_stands_in_for_a_partial_index_stays_while_it_is_wanted() -> None:
    source = Choosy()
    what_if = WhatIf(source, lambda index: 200_000_000)
    what_if.watch("q", uses_of("select * from bookings where venue_id = $1 and status = 'rare'"))
    rare = index("bookings", "venue_id", where="\"status\" = 'rare'", fraction=0.01)
    what_if.cost("q", frozenset({rare}))
    assert len(source.live) == 2 and len(source.made) == 2
    what_if.cost("q", frozenset({rare, VENUE}))
    assert [len(made) for made in source.made] == [1, 1, 1]
    what_if.cost("q", frozenset({VENUE}))
    assert len(source.live) == 1
    what_if.close()
    assert source.live == {}
