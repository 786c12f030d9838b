from __future__ import annotations

from typing import Any

import pytest
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.terms import column_term
from wedding_dbopt.indexes.what_if import WhatIf

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

    def create_hypothetical(self, sql: str, place: tuple[str, str]) -> int:
        return 7

    def drop_hypothetical(self, oid: int) -> None:
        assert oid == 7


@pytest.mark.parametrize(("root_cost", "charged"), [(0.01, False), (20.0, True)])
def test_a_descent_is_charged_only_where_the_root_counts_the_node(root_cost: float, charged: bool) -> None:
    what_if = WhatIf(Policed(root_cost), lambda index: 200_000)
    what_if._interests["insert"] = {("public", "couples"): {column_term("user_id")}}
    priced = what_if.cost("insert", frozenset({COUPLES}))
    assert priced.used == {COUPLES}
    assert (priced.cost > root_cost) is charged
