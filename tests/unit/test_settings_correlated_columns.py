"""Extended statistics are advised where a sample shows the planner's product to be far off, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wedding_dbopt.settings.advice import Affected
from wedding_dbopt.settings.column_pairs import Correlation
from wedding_dbopt.settings.correlated_columns import advise

FOUND = Correlation(
    "public", "venues", ("city", "Region"), 25.0, 0.9, 5000, (Affected(7, "venue", "high", 12.0),)
)


def test_columns_that_decide_each_other_get_statistics_and_the_way_back() -> None:
    [advice] = advise([FOUND])
    name = advice.target.name
    assert advice.sql == (
        f'CREATE STATISTICS "public"."{name}" (dependencies, mcv) ON "city", "Region" FROM "public"."venues"',
    )
    assert advice.rollback_sql == (f'DROP STATISTICS IF EXISTS "public"."{name}"',)
    assert (advice.kind, advice.target.kind, advice.statements) == ("statistics", "statistics", (7,))
    assert "25 times as often" in advice.reason
    [other] = advise([replace(FOUND, table="x" * 70)])
    assert other.target.name != name and len(str(other.target.name)) <= 63


@pytest.mark.parametrize("changed", [{"factor": 10.0}, {"factor": 1.0}, {"often": 0.05}])
def test_small_errors_and_rare_combinations_are_left_alone(changed: dict[str, float]) -> None:
    assert list(advise([replace(FOUND, **changed)])) == []  # type: ignore[arg-type]
