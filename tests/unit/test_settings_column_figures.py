"""Statistics of single columns and of groupings are advised where the planner must be far off, and only there."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from wedding_dbopt.settings import column_target, grouped_columns, number_of_values
from wedding_dbopt.settings.advice import Affected
from wedding_dbopt.settings.column_figures import Grouping, Uneven
from wedding_dbopt.settings.counted_values import STRETCHES, Counted, extrapolated

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


COUNTED = Counted("public", "items", "booking_id", 9_000.0, 1_000_000.0, 10_000_000.0, 1.0, WHO)


def test_a_number_of_values_that_analyze_misses_is_told_as_a_share_that_grows_with_the_table() -> None:
    [advice] = number_of_values.advise([COUNTED])
    column = 'ALTER TABLE "public"."items" ALTER COLUMN "booking_id"'
    assert advice.sql == (f"{column} SET (n_distinct = -0.1)", 'ANALYZE "public"."items"')
    assert advice.rollback_sql == (f"{column} RESET (n_distinct)", 'ANALYZE "public"."items"')
    assert "9,000 different values" in advice.reason and "about 1,000,000" in advice.reason
    [spread] = number_of_values.advise([replace(COUNTED, growth=0.2)])
    assert spread.details["n_distinct"] == "1000000"


def test_an_error_below_ten_times_is_left_alone() -> None:
    assert list(number_of_values.advise([replace(COUNTED, counted=90_000.0)])) == []


def test_a_grouping_that_spills_counts_from_twice_where_equal_values_lie_together() -> None:
    spilled = replace(COUNTED, counted=27_000.0, spills=True)
    [advice] = number_of_values.advise([spilled])
    assert "3.0 times less memory" in advice.reason and "temporary files" in advice.reason
    for left_alone in (
        replace(spilled, counted=17_000.0),
        replace(spilled, growth=0.8),
        replace(spilled, spills=False),
    ):
        assert list(number_of_values.advise([left_alone])) == []


@pytest.mark.parametrize(
    ("each", "together", "rows_read", "counted"),
    [
        # 16 of 1,000 stretches of 5,000 rows: ten rows a value that lie together, a hundred values everywhere.
        (501.0, 16 * 501.0, 80_000, 500_000.0),
        (100.0, 100.0, 80_000, 100.0),
    ],
)
def test_stretches_tell_values_that_lie_together_from_those_that_are_everywhere(
    each: float, together: float, rows_read: float, counted: float
) -> None:
    once = together if together > each else 0.0
    share = rows_read / 5_000_000
    found, _ = extrapolated(together, once, 0.0, STRETCHES, share, 5_000_000)
    assert found == pytest.approx(counted, rel=0.02)
    assert extrapolated(together, once, 0.0, 1, 1.0, 5_000_000)[0] == together


def _stretches(values: Iterable[Iterable[int]]) -> tuple[float, float, float]:
    """Values in all stretches, in exactly one, in exactly two."""
    found = Counter(value for stretch in values for value in set(stretch))
    seen = Counter(found.values())
    return float(len(found)), float(seen[1]), float(seen[2])


STRETCH, WHOLE = 2_000, 1_000
ROWS = float(STRETCH * WHOLE)


@pytest.mark.parametrize("rows_per_value", [1, 4, 10, 100])
def test_of_values_that_lie_together_there_are_as_many_more_as_there_are_pages(rows_per_value: int) -> None:
    starts = [number * WHOLE // STRETCHES * STRETCH for number in range(STRETCHES)]
    seen = _stretches([row // rows_per_value for row in range(at, at + STRETCH)] for at in starts)
    counted, growth = extrapolated(*seen, STRETCHES, STRETCHES / WHOLE, ROWS)
    assert counted == pytest.approx(ROWS / rows_per_value, rel=0.06) and growth > 0.99


@pytest.mark.parametrize("values", [100, 5_000, 60_000, 200_000])
def test_values_that_are_spread_are_not_taken_for_more(values: int) -> None:
    chance = random.Random(1)
    seen = _stretches([chance.randrange(values) for _ in range(STRETCH)] for _ in range(STRETCHES))
    counted, growth = extrapolated(*seen, STRETCHES, STRETCHES / WHOLE, ROWS)
    assert counted == pytest.approx(values, rel=0.2) and growth < 0.2


def test_values_that_lie_in_a_few_places_are_counted_once() -> None:
    chance = random.Random(2)
    home: dict[int, list[int]] = {}
    for value in range(100_000):
        for _ in range(3):
            home.setdefault(chance.randrange(WHOLE), []).append(value)
    seen = _stretches(home[number] for number in range(0, WHOLE, WHOLE // STRETCHES))
    stretches = len(range(0, WHOLE, WHOLE // STRETCHES))
    counted, growth = extrapolated(*seen, stretches, stretches / WHOLE, ROWS)
    assert counted == pytest.approx(100_000, rel=0.2) and 0.2 < growth < 0.5


def test_a_table_that_was_read_whole_is_not_extrapolated() -> None:
    assert extrapolated(100.0, 90.0, 5.0, 1, 1.0, 5_000_000) == (100.0, 0.0)
