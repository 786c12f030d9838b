"""Plans as PostgreSQL prints them: what they read, what they cost, what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wedding_dbopt.errors import TooDeep
from wedding_dbopt.plan import DEEPEST, Plan

PLANS = Path(__file__).parents[1] / "fixtures" / "plans"


def plan(name: str) -> Plan:
    return Plan.from_json((PLANS / f"{name}.json").read_text())


def made(**node: Any) -> Plan:
    return Plan.from_json({"Plan": {"Node Type": "Seq Scan", **node}})


def test_reads_text_list_object_and_bare_node() -> None:
    text = (PLANS / "seq_scan.json").read_text()
    obj = json.loads(text)
    plans = [Plan.from_json(form) for form in (text, obj, obj[0], obj[0]["Plan"])]
    assert {each.fingerprint() for each in plans} == {plans[0].fingerprint()}


@pytest.mark.parametrize("nothing", [[], {}, None, {"Plan": {}}, 7])
def test_refuses_what_is_no_plan(nothing: Any) -> None:
    with pytest.raises(ValueError, match="no plan"):
        Plan.from_json(nothing)


def test_unknown_node_types_and_missing_keys_are_fine() -> None:
    found = Plan.from_json({"Node Type": "Quantum Scan", "Plans": [{}]})
    assert [node.type for node in found.walk()] == ["Quantum Scan", "Unknown"]
    assert found.scans() == ()
    assert found.findings() == []
    assert found.summary()["total_cost"] == 0


def test_a_scan_reads_the_whole_table_and_returns_few_rows() -> None:
    found = plan("seq_scan")
    assert found.rows_examined({"bookings": 200_000}) == 200_000
    assert found.rows_examined({"public.bookings": 1, "bookings": 200_000}) == 200_000
    assert found.rows_returned < 10_000


def test_measured_rows_count_removed_ones() -> None:
    found = made(**{"Relation Name": "t", "Actual Rows": 2, "Actual Loops": 3, "Rows Removed by Filter": 8})
    assert found.analysed
    assert found.rows_examined({"t": 1_000_000}) == 30


def test_a_limit_reads_only_its_share() -> None:
    scan = {"Node Type": "Seq Scan", "Relation Name": "t", "Plan Rows": 1000, "Total Cost": 50}
    found = Plan.from_json({"Node Type": "Limit", "Plan Rows": 10, "Plans": [scan]})
    assert found.rows_examined({"t": 1000}) == 10
    sort = {"Node Type": "Sort", "Plan Rows": 1000, "Plans": [scan]}
    assert (
        Plan.from_json({"Node Type": "Limit", "Plan Rows": 10, "Plans": [sort]}).rows_examined({"t": 1000})
        == 1000
    )


def test_bitmap_scan_counts_what_its_index_finds() -> None:
    found = plan("bitmap_sort_limit")
    assert found.indexes_used() == {"tmp_a"}
    heap = next(node for node in found.scans() if node.type == "Bitmap Heap Scan")
    assert found.rows_examined() == heap.children[0].rows > heap.rows


def test_fingerprint_ignores_figures_but_not_indexes() -> None:
    base = made(**{"Relation Name": "t", "Total Cost": 1})
    assert base.fingerprint() == made(**{"Relation Name": "t", "Total Cost": 9}).fingerprint()
    assert base.fingerprint() != made(**{"Relation Name": "t", "Index Name": "i"}).fingerprint()
    assert base.fingerprint() != made(**{"Relation Name": "u"}).fingerprint()


def test_summary_is_jsonable_and_ranks_by_own_cost() -> None:
    summary = plan("analysed_join").summary(top=2)
    assert json.loads(json.dumps(summary)) == summary
    assert summary["nodes"][0]["node"] == "Seq Scan on bookings"
    assert 0.7 < summary["nodes"][0]["cost_share"] <= 1


def test_finds_the_selective_sequential_scan() -> None:
    [finding] = [
        f for f in plan("seq_scan").findings({"bookings": 200_000}) if f.kind == "selective_seq_scan"
    ]
    assert finding.numbers["rows_read"] == 200_000
    assert "200,000 rows" in finding.text
    assert (
        made(**{"Relation Name": "t", "Plan Rows": 900_000, "Filter": "x"}).findings({"t": 1_000_000}) == []
    )


def test_finds_the_sort_on_disk_and_foresees_one() -> None:
    [finding] = [f for f in plan("spilling_sort").findings(work_mem_bytes=65_536) if f.kind == "sort_spill"]
    assert finding.numbers["disk_kb"] > 1000
    sort = Plan.from_json({"Node Type": "Sort", "Plan Rows": 100_000, "Plan Width": 76})
    assert [f.kind for f in sort.findings(work_mem_bytes=4_000_000)] == ["sort_spill"]
    assert sort.findings(work_mem_bytes=100_000_000) == []


def test_finds_the_nested_loop_explosion() -> None:
    kinds = [finding.kind for finding in plan("nested_loop").findings()]
    assert "nested_loop_explosion" in kinds


def test_finds_misestimates_beyond_ten_times() -> None:
    found = made(**{"Plan Rows": 10, "Actual Rows": 5000, "Actual Loops": 1}).findings()
    assert [(f.kind, f.numbers["factor"]) for f in found] == [("misestimate", 500)]
    assert "500 times more" in found[0].text
    assert made(**{"Plan Rows": 10, "Actual Rows": 90, "Actual Loops": 1}).findings() == []
    assert made(**{"Plan Rows": 10, "Actual Rows": 0, "Actual Loops": 0}).findings() == []


def test_finds_the_index_scan_that_filters_most_away() -> None:
    node = {"Node Type": "Index Scan", "Index Name": "i", "Filter": "(x = 1)", "Relation Name": "t"}
    actual = {"Actual Rows": 3, "Actual Loops": 1, "Rows Removed by Filter": 9997, "Plan Rows": 3}
    [finding] = made(**node, **actual).findings()
    assert finding.kind == "index_scan_filters_much"
    assert finding.numbers == {"rows_read": 10_000, "rows_kept": 3}


def test_a_plan_of_more_nodes_below_one_another_than_can_be_walked_is_refused() -> None:
    def nested(levels: int) -> dict[str, object]:
        node: dict[str, object] = {"Node Type": "Result"}
        for _ in range(levels):
            node = {"Node Type": "Nested Loop", "Plans": [node]}
        return {"Plan": node}

    assert Plan.from_json(nested(DEEPEST - 1)).fingerprint()
    with pytest.raises(TooDeep):
        Plan.from_json(nested(DEEPEST))
