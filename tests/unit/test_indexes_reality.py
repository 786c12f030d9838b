"""What a plan costs beyond the planner's figure: page visits in the cache, and joins by several columns that give more rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from test_indexes_fixture import column, existing, relation, uses_of
from test_indexes_fixture import index as relation_index
from wedding_dbopt.catalog import Relation
from wedding_dbopt.indexes.cost import credited, usual_rate
from wedding_dbopt.indexes.definition import IndexDef
from wedding_dbopt.indexes.predicates import TableUse
from wedding_dbopt.indexes.reality import beyond, matched, visit_cost
from wedding_dbopt.indexes.size import KeyFacts
from wedding_dbopt.indexes.sizes import Sizes
from wedding_dbopt.plan import Node, Plan

LINES = relation(
    "lines",
    [
        column("order_id", distinct=50_000, correlation=1.0),
        column("part", distinct=10_000),
        column("vendor", distinct=100),
    ],
)
STOCK = relation(
    "stock",
    [column("part", distinct=10_000, not_null=True), column("vendor", distinct=100, not_null=True)],
    rows=40_000.0,
    indexes=(existing("stock_pkey", ["part", "vendor"], unique=True, primary=True),),
    unique_keys=(("part", "vendor"),),
)
ORDERS = relation("orders", [column("id", not_null=True)], unique_keys=(("id",),))
LEDGER = relation("ledger", [column("order_id")], rows=2_000_000.0)
TABLES = {item.name: item for item in (LINES, STOCK, ORDERS, LEDGER)}


def scan(table: str, rows: float, cost: float = 1.0, **facts: Any) -> dict[str, Any]:
    kind = "Index Scan" if "Index Cond" in facts or "Index Name" in facts else "Seq Scan"
    return {
        "Node Type": kind,
        "Relation Name": table,
        "Schema": "public",
        "Alias": table,
        "Plan Rows": rows,
        "Total Cost": cost,
        **facts,
    }


def loop(rows: float, *children: dict[str, Any]) -> dict[str, Any]:
    outer, inner = children
    cost = outer.get("Total Cost", 0.0) + outer["Plan Rows"] * inner.get("Total Cost", 0.0)
    facts = {"Node Type": "Nested Loop", "Join Type": "Inner", "Plan Rows": rows, "Total Cost": cost}
    return {**facts, "Plans": list(children)}


def cost(
    top: dict[str, Any],
    leading: str | None = None,
    visit: float = 0.0,
    share_of: Callable[[Relation, str], float | None] = lambda item, condition: None,
    depth: float = 0.0,
    descent: float = 0.0,
) -> float:
    plan = Plan.from_json({"Plan": top})
    tables = TABLES.get
    return beyond(
        plan,
        lambda node: tables(node.relation or ""),
        lambda node: leading,
        lambda table: visit,
        share_of,
        lambda table: depth,
        lambda node: descent if node.relation == "orders" else 0.0,
    )


#: What a row costs that looks into a hash table.
LOOK = 0.03


def test_each_row_on_another_page_costs_a_visit() -> None:
    assert cost(scan("lines", 20, **{"Index Cond": "(lines.part = 7)"}), "part", 0.5) == pytest.approx(10)
    assert cost(scan("lines", 20, **{"Index Cond": "(lines.order_id = 7)"}), "order_id", 0.5) == 0.5
    assert cost(scan("lines", 20), None, 0.5) == 0
    assert cost({**scan("lines", 20), "Node Type": "Index Only Scan"}, "part", 0.5) == 0


def test_a_visit_of_a_small_table_costs_less() -> None:
    costs = [visit_cost(replace(LINES, pages=pages)) for pages in (10, 488, 3_500, 24_500, 100_000)]
    assert costs == [0.06, 0.06, pytest.approx(0.16, abs=0.01), pytest.approx(0.25, abs=0.001), 0.25]


def test_probes_of_a_nested_loop_are_visits_too() -> None:
    inner = scan("lines", 20, **{"Index Cond": "(lines.part = stock.part)"})
    assert cost(loop(600, scan("stock", 30), inner), "part", 1.0) == pytest.approx(600)


@pytest.mark.parametrize(
    ("condition", "filter_text", "rows"),
    [
        ("(lines.part = stock.part)", None, 3.0),
        ("(lines.part = stock.part)", "(lines.vendor < 5)", 20.0),
        ("((lines.part = 1) AND (lines.vendor = 2))", "(lines.order_id < 5)", 3.0),
        ("(lines.part > 5)", "(lines.vendor < 5)", 3.0),
        (None, "(lines.vendor < 5)", 200_000.0),
    ],
)
def test_rows_that_the_filter_drops_are_fetched_before(
    condition: str | None, filter_text: str | None, rows: float
) -> None:
    node = Node.from_json(scan("lines", 3, **{"Index Cond": condition, "Filter": filter_text}))
    assert matched(node, LINES) == pytest.approx(rows)


def test_rows_that_look_into_a_large_hash_table_miss_the_cache() -> None:
    def aggregate(groups: int, **facts: Any) -> dict[str, Any]:
        kind = {"Node Type": "Aggregate", "Strategy": "Hashed", "Plan Rows": groups, "Plan Width": 16}
        return {**kind, "Plans": [scan("lines", 1_000_000)], **facts}

    assert cost(aggregate(10_000), None, 0.0) == pytest.approx(LOOK * 1_000_000)
    large = cost(aggregate(500_000), None, 0.0)
    assert 80_000 < large < 100_000
    assert cost(aggregate(500_000, Strategy="Sorted"), None, 0.0) == 0
    assert cost(aggregate(170_000, Filter="(sum(x) > 3)"), None, 0.0) == pytest.approx(large, rel=0.01)
    hashed = {"Node Type": "Hash", "Plan Rows": 500_000, "Plan Width": 16, "Plans": [scan("stock", 500_000)]}
    joined = {"Node Type": "Hash Join", "Join Type": "Inner", "Plans": [scan("lines", 1_000_000), hashed]}
    assert cost(joined, None, 0.0) == pytest.approx(large)


def test_a_join_by_a_key_of_several_columns_gives_each_row_its_partner() -> None:
    joined = {
        "Node Type": "Hash Join",
        "Join Type": "Inner",
        "Plan Rows": 4,
        "Hash Cond": "((lines.part = stock.part) AND (lines.vendor = stock.vendor))",
        "Plans": [scan("lines", 1000), scan("stock", 40_000)],
    }
    above = loop(4, joined, scan("orders", 1, 2.0, **{"Index Cond": "(orders.id = lines.order_id)"}))
    looks = LOOK * 1000
    assert cost(above, "id", 0.0) == pytest.approx((1000 - 4) * 2.0 + looks)
    assert cost(above, "id", 1.0) == pytest.approx((1000 - 4) * 2.0 + 1000 + looks)
    # A hypothetical index's descents are charged for the runs that the planner expects; the others pay here.
    assert cost(above, "id", 0.0, descent=0.5) == pytest.approx((1000 - 4) * 2.5 + looks)
    for one in ("(lines.part = stock.part)", "((lines.part = stock.part) AND (lines.vendor = stock.part))"):
        apart = {**above, "Plans": [{**joined, "Hash Cond": one}, above["Plans"][1]]}
        assert cost(apart, "id", 0.0) == pytest.approx(looks)


def test_a_lookup_by_several_columns_pays_for_the_rows_that_it_finds() -> None:
    both = {"Index Cond": "((lines.part = stock.part) AND (lines.vendor = stock.vendor))"}
    joined = loop(4, scan("stock", 400), scan("lines", 1, 1.0, **both))
    found = 200_000 / 40_000
    assert cost(joined, "part", 0.0) == pytest.approx(400 * (found - 1) * 0.43)
    assert cost(joined, "part", 1.0) == pytest.approx(400 * ((found - 1) * 0.43 + found))


def test_a_lookup_by_part_of_the_key_and_a_filter_by_the_rest_is_such_a_join() -> None:
    facts = {"Index Cond": "(lines.part = stock.part)", "Filter": "(lines.vendor = stock.vendor)"}
    joined = loop(4, scan("stock", 400), scan("lines", 1, 1.0, **facts))
    above = loop(4, joined, scan("orders", 1, 2.0, **{"Index Cond": "(orders.id = lines.order_id)"}))
    rows = 200_000 * 400 / 40_000
    assert cost(above, "id", 0.0) == pytest.approx((rows - 4) * 2.0)
    other = loop(4, scan("stock", 400), scan("lines", 1, 1.0, **{**facts, "Filter": "(lines.vendor < 5)"}))
    assert cost({**above, "Plans": [other, above["Plans"][1]]}, "id", 0.0) == 0


def test_time_that_the_cost_does_not_explain_counts_half_way() -> None:
    rate = usual_rate({"a": 10.0, "b": 20.0, "c": 400.0}, {"a": 10.0, "b": 20.0, "c": 4.0})
    assert rate == 1.0
    assert credited(400.0, 2.0) == pytest.approx(40.0)
    assert credited(5.0, 50.0) == credited(5.0, 2.5) == 5.0
    assert usual_rate({}, {}) > 0


def test_probes_of_a_large_index_cost_more_in_no_order() -> None:
    facts = {"Index Cond": "(ledger.order_id = lines.order_id)"}
    probe = {**scan("ledger", 1, **facts), "Node Type": "Index Only Scan"}
    ordered = scan("lines", 1000)
    shuffled = {**scan("lines", 1000), "Node Type": "Index Scan"}
    assert cost(loop(1000, ordered, probe), None, 0.0) == pytest.approx(0)
    assert cost(loop(1000, shuffled, probe), None, 0.0) == pytest.approx(0)
    shuffled["Index Name"] = "lines_by_part"
    assert cost(loop(1000, shuffled, probe), "part", 0.0) == pytest.approx(1000 * 0.37 * 0.9)
    assert cost(loop(1000, shuffled, probe), "order_id", 0.0) == pytest.approx(0)
    built = {"Node Type": "Hash Join", "Plan Rows": 1000, "Plans": [scan("stock", 9), ordered]}
    assert cost(loop(1000, built, probe), None, 0.0) == pytest.approx(1000 * 0.37 * 0.9 + 9 * LOOK)


def test_rows_in_the_order_of_the_looked_up_key_miss_once_a_key() -> None:
    def joined(outer: dict[str, Any]) -> dict[str, Any]:
        hashed = {
            "Node Type": "Hash",
            "Plan Rows": 500_000,
            "Plan Width": 16,
            "Plans": [scan("stock", 500_000)],
        }
        condition = {"Hash Cond": "(lines.part = stock.part)"}
        return {"Node Type": "Hash Join", "Join Type": "Inner", **condition, "Plans": [outer, hashed]}

    ordered = {**scan("lines", 1_000_000, **{"Index Name": "by_part"}), "Node Type": "Index Only Scan"}
    looks = LOOK * 1_000_000
    apart = cost(joined(scan("lines", 1_000_000)), None, 0.0)
    once = looks + (apart - looks) / 100
    assert cost(joined(ordered), "part", 0.0) == pytest.approx(once)
    assert cost(joined(ordered), "vendor", 0.0) == pytest.approx(apart)
    grouped = {"Node Type": "Aggregate", "Strategy": "Hashed", "Plan Rows": 500_000, "Plan Width": 16}
    grouped["Group Key"] = ["stock.part"]
    above = cost({**grouped, "Plans": [{**joined(ordered), "Plan Rows": 1_000_000}]}, "part", 0.0)
    assert above == pytest.approx(2 * once, rel=0.1)


def test_a_counted_share_decides_how_many_rows_compared_columns_leave() -> None:
    def share_of(item: Relation, condition: str) -> float | None:
        return 2 / 3 if (item.name, condition) == ("lines", '"part" < "vendor"') else None

    def total(condition: str) -> float:
        outer = scan("lines", 1000, Filter=condition)
        return cost(loop(1000, outer, scan("orders", 1, 2.0)), share_of=share_of)

    assert total("(lines.vendor > lines.part)") == pytest.approx(2000)
    assert total("(lines.vendor < lines.part)") == 0
    assert total("((lines.vendor > lines.part) AND (lines.part < lines.order_id))") == 0


def test_of_a_small_index_the_share_is_not_counted_on_a_sample() -> None:
    asked: list[str] = []

    def measured(table: Relation, index: IndexDef) -> KeyFacts:
        asked.append(table.name)
        return KeyFacts(10.0, (), share=0.62)

    late = partial(relation_index, where='"part" < "vendor"', fraction=1 / 3, guessed=True)
    for table, share in ((STOCK, 1 / 3), (LEDGER, 0.62)):
        sizes = Sizes(lambda where, index: int(where.rows or 0), measured)
        sizes.know([TableUse(table, ())])
        assert sizes.counted(late(table.name, "part")).fraction == pytest.approx(share)
        assert sizes.size(late(table.name, "part")) == table.rows
    assert asked == ["ledger"]


def test_a_kept_inner_side_is_only_read_again() -> None:
    def share_of(item: Relation, condition: str) -> float | None:
        return 2 / 3

    outer = scan("lines", 1000, Filter="(lines.vendor > lines.part)")
    kept = {
        "Node Type": "Materialize",
        "Plan Rows": 4,
        "Total Cost": 50.0,
        "Plans": [scan("orders", 4, 49.0)],
    }
    for inner, more in ((scan("orders", 1, 50.0), 50.0), (kept, 0.01)):
        assert cost(loop(1000, outer, inner), share_of=share_of) == pytest.approx(1000 * more)


def test_the_columns_of_a_row_are_taken_apart_up_to_the_last_one_needed() -> None:
    def total(top: dict[str, Any], depth: int) -> float:
        return cost(top, depth=depth)

    whole = total(scan("lines", 10), 1)
    assert whole == pytest.approx(0.0014 * 200_000) and total(scan("lines", 10), 3) == pytest.approx(
        3 * whole
    )
    few = total(scan("lines", 10, **{"Index Cond": "(lines.order_id < 7)"}), 3)
    assert few == pytest.approx(3 * 0.0014 * 10)
    assert total({**scan("lines", 10), "Node Type": "Index Only Scan"}, 3) == 0
    [use] = uses_of("select venue_id from bookings where status = 'pending'")
    assert use.depth == 2.5
    [use] = uses_of("select * from bookings where status = 'pending'")
    assert use.depth == 9.5


@pytest.mark.parametrize(
    ("filter_text", "runs"),
    [
        ("((lines.part)::text ~~ '%green%'::text)", 500),
        ("(lines.part ~~ '%green%'::text)", 500),
        ("(lines.part ~~* '%green%'::text)", 600),
        ("(lines.part ~ '^green'::text)", 700),
        ("(lines.part ~* '^green'::text)", 800),
        ("(lines.part !~ '^green'::text)", 1000),
        ("((lines.part)::text ~~ '%blue%'::text)", 1000),
        ("(((lines.part)::text ~~ '%green%'::text) AND (lines.vendor = 7))", 1000),
    ],
)
def test_a_counted_share_decides_how_many_rows_meet_a_pattern(filter_text: str, runs: float) -> None:
    def share_of(item: Relation, condition: str) -> float | None:
        counted = {"LIKE '%green%'": 500, "ILIKE '%green%'": 600, "~ '^green'": 700, "~* '^green'": 800}
        return next((rows / 200_000 for end, rows in counted.items() if condition == f'"part" {end}'), None)

    outer = scan("lines", 1000, Filter=filter_text)
    found = cost(loop(1000, outer, scan("orders", 1, 2.0)), share_of=share_of)
    assert found == pytest.approx((runs - 1000) * 2.0)


def test_subqueries_of_conditions_are_no_sides_of_a_join_and_no_scan_of_a_table() -> None:
    subquery = {**scan("orders", 1, 2.0), "Parent Relationship": "SubPlan", "Subplan Name": "SubPlan 1"}
    outer = {**scan("lines", 1000, Filter="(lines.vendor > lines.part)"), "Parent Relationship": "Outer"}
    inner = {**scan("orders", 1, 2.0), "Parent Relationship": "Inner"}
    joined = loop(1000, outer, inner)

    def total(top: dict[str, Any], share: float, depth: float = 0.0) -> float:
        return cost(top, share_of=lambda item, condition: share, depth=depth)

    with_subquery = {
        **joined,
        "Plans": [{**subquery, "Parent Relationship": "InitPlan"}, outer, inner, subquery],
    }
    assert total(joined, 2 / 3) == total(with_subquery, 2 / 3) == pytest.approx(2000)
    alone = scan("lines", 10)
    assert total(alone, 1 / 3, 2.0) == pytest.approx(0.0014 * 2 * 200_000)
    above = {**alone, "Plans": [{**subquery, "Relation Name": "unknown", "Plan Rows": 1}]}
    assert total(above, 1 / 3, 2.0) == pytest.approx(0.0014 * 2 * 200_000)


def test_the_rows_of_one_worker_tell_nothing_of_a_pattern() -> None:
    facts = {"Filter": "(lines.part ~~ '%green%'::text)", "Parallel Aware": True}
    top = loop(400, scan("lines", 400, **facts), scan("orders", 1, 2.0))
    assert cost(top, share_of=lambda item, condition: 500 / 200_000) == 0


def test_arrays_and_ranges_have_no_fixed_length() -> None:
    table = relation(
        "odd", [column("a"), column("b", "integer[]"), column("c", "daterange"), column("d", "date")]
    )
    assert TableUse(table, (), needed=frozenset("a")).depth == 0.5
    assert TableUse(table, (), needed=frozenset("d")).depth == 3.5
