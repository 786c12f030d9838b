"""Statistics of single columns and of groupings are advised where the planner must be far off, and only there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from wedding_dbopt.settings import column_target, grouped_columns
from wedding_dbopt.settings.advice import Affected
from wedding_dbopt.settings.column_figures import Grouping, Uneven

WHO = (Affected(7, "venue", "high", 12.0),)
UNEVEN = Uneven("public", "guests", "Town", 100, 40.0, 0.7, WHO)
GROUPING = Grouping("public", "guests", ("city", "Region"), 50_000.0, 300.0, WHO)


def test_a_full_list_of_frequent_values_gets_longer() -> None:
    [advice] = column_target.advise([UNEVEN])
    assert advice.sql == ('ALTER TABLE "public"."guests" ALTER COLUMN "Town" SET STATISTICS 1000',)
    assert advice.details == {"column": "Town", "target": 1000}
    assert (advice.kind, advice.target.kind, advice.statements) == ("statistics", "column", (7,))
    assert "40 times as frequent" in advice.reason


@pytest.mark.parametrize("changed", [{"factor": 10.0}, {"rest": 0.05}, {"target": 1000}, {"target": 0}])
def test_even_rests_small_rests_and_long_lists_are_left_alone(changed: dict[str, Any]) -> None:
    assert list(column_target.advise([replace(UNEVEN, **changed)])) == []


def test_grouped_columns_that_decide_each_other_get_statistics() -> None:
    [advice] = grouped_columns.advise([GROUPING])
    name = advice.target.name
    assert advice.sql == (
        f'CREATE STATISTICS "public"."{name}" (ndistinct) ON "city", "Region" FROM "public"."guests"',
    )
    assert advice.rollback_sql == (f'DROP STATISTICS IF EXISTS "public"."{name}"',)
    assert "expects 50,000 groups" in advice.reason and "about 300" in advice.reason
    assert len(str(name)) <= 63


@pytest.mark.parametrize(
    "changed",
    [{"groups": 6000.0}, {"expected": 900.0, "groups": 10.0}, {"columns": tuple("abcdefghi")}],
)
def test_small_errors_and_small_groupings_are_left_alone(changed: dict[str, Any]) -> None:
    assert list(grouped_columns.advise([replace(GROUPING, **changed)])) == []
