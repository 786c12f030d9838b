"""Where an index begins that shall hold what a moving window asks for, and whom it cannot serve."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from wedding_dbopt.indexes.candidates import candidates, helps, stand_in, usage
from wedding_dbopt.indexes.conditions import Bound
from wedding_dbopt.indexes.dated import (
    Dated,
    Dating,
    Sighting,
    Window,
    boundaries,
    boundary_of,
    dated,
    left_out,
    moving,
    notes_of,
    with_dates,
)
from wedding_dbopt.indexes.predicates import TableUse
from wedding_dbopt.indexes.timeline import Timeline
from wedding_dbopt.query import Query
from wedding_dbopt.tuning.bound_ages import ages, lower_bounds, with_window
from wedding_dbopt.tuning.renewals import Renewal, renewal

from tests.unit.test_indexes_advise import statement
from tests.unit.test_indexes_fixture import existing, index, uses_of

NOW = datetime(2026, 11, 29, 13, tzinfo=timezone.utc)
#: Ten years of rows, evenly, up to half a year ahead.
EVEN = Timeline(tuple(NOW + timedelta(days=182 - 36 * step) for step in range(100, -1, -1)), 1.0)
RECENT = "select * from bookings where wedding_date >= '2026-11-01' and venue_id = 5"


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def dating() -> Dating:
    return Dating(NOW, lambda relation, column: EVEN)


def dated_uses(text: str, at: datetime = NOW) -> tuple[TableUse, ...]:
    uses = {"1": uses_of(text)}
    return with_dates(uses, boundaries(uses, {}, Dating(at, lambda relation, column: EVEN)))["1"]


@pytest.mark.parametrize(
    ("days", "begins"),
    [(28, "2026-10-01"), (0, "2026-10-01"), (-60, "2026-12-01"), (365, "2025-08-01"), (1000, "2023-06-01")],
)
def test_it_begins_with_a_month_and_head_room(days: float, begins: str) -> None:
    found = boundary_of(NOW, days)
    assert found == day(begins)
    assert NOW - timedelta(days=days) - found >= timedelta(days=30)


def test_the_share_behind_a_date_is_read_between_the_marks() -> None:
    four = Timeline(tuple(day(f"202{n}-01-01") for n in range(5)), 0.8, ((day("2023-06-01"), 0.1),))
    assert four.share_from(day("2019-01-01")) == pytest.approx(0.9)
    assert four.share_from(day("2022-01-01")) == pytest.approx(0.5)
    assert four.share_from(day("2023-07-02")) == pytest.approx(0.1, abs=0.01)
    assert four.share_from(day("2030-01-01")) == 0
    assert Timeline((), 0.0, ((day("2023-06-01"), 0.1),)).share_from(day("2023-06-01")) == 0.1


def seen(*days: float) -> list[Sighting]:
    return [Sighting(NOW - timedelta(days=len(days) - 1 - n), age, 3) for n, age in enumerate(days)]


def test_dates_that_follow_the_clock_open_a_window() -> None:
    assert moving(seen(*[30.0] * 15), 14) == Window(30.0, 14.0, 45)
    assert moving(seen(28.0, 31.0, *[30.0, 29.0] * 7), 14) == Window(31.0, 15.0, 48)


def test_dates_that_stand_still_or_were_not_watched_long_enough_open_none() -> None:
    assert moving(seen(*[30.0 + n for n in range(15)]), 14) is None
    assert moving(seen(*[30.0] * 10), 14) is None
    assert moving([], 14) is None


def test_a_window_with_a_small_share_of_the_rows_gets_a_boundary_and_a_time_until_which_it_is_good() -> None:
    found = dated(("public", "bookings"), "wedding_date", "date", 28, EVEN, NOW)
    assert found is not None
    assert found.condition == "\"wedding_date\" >= '2026-10-01'::date"
    assert found.share == pytest.approx((182 + 59) / 3600, abs=0.001)
    passed = (found.until - NOW) / timedelta(days=1)
    assert passed / 3600 == pytest.approx(found.share, abs=0.001)


def test_none_where_the_window_holds_much_of_the_table_or_the_column_is_no_date() -> None:
    assert dated(("public", "bookings"), "wedding_date", "date", 900, EVEN, NOW) is None
    assert dated(("public", "bookings"), "id", "integer", 28, EVEN, NOW) is None


@pytest.mark.parametrize(
    ("kind", "literal"),
    [
        ("timestamp(3) with time zone", "'2026-10-01 00:00:00+00'::timestamp with time zone"),
        ("timestamp without time zone", "'2026-10-01 00:00:00'::timestamp without time zone"),
    ],
)
def test_the_literal_has_the_type_of_the_column(kind: str, literal: str) -> None:
    found = dated(("public", "bookings"), "created_at", kind, 28, EVEN, NOW)
    assert found is not None and found.condition.endswith(literal)


@pytest.mark.parametrize(
    ("condition", "bound"),
    [
        ("wedding_date >= '2026-11-01'", Bound("wedding_date", "2026-11-01")),
        ("wedding_date > date '2026-11-01'", Bound("wedding_date", "2026-11-01")),
        ("'2026-11-01'::date <= wedding_date", Bound("wedding_date", "2026-11-01")),
        ("wedding_date between '2026-11-01' and '2027-01-01'", Bound("wedding_date", "2026-11-01")),
        ("wedding_date >= now() - interval '30 days'", Bound("wedding_date", None, True)),
        ("wedding_date > current_date - 30", Bound("wedding_date", None, True)),
        ("created_at > clock_timestamp()", Bound("created_at", None, True)),
        ("wedding_date >= $1", Bound("wedding_date", None)),
        ("wedding_date <= '2026-11-01'", None),
        ("wedding_date = '2026-11-01'", None),
        ("wedding_date >= created_at", None),
        ("(wedding_date >= '2026-11-01' or venue_id = 5)", None),
    ],
)
def test_the_least_value_of_a_range(condition: str, bound: Bound | None) -> None:
    [use] = uses_of(f"select * from bookings where {condition}")
    assert use.bounds == ((bound,) if bound is not None else ())


def test_candidates_hold_the_part_that_the_constants_prove() -> None:
    uses = dated_uses(RECENT)
    offered = candidates(uses, usage([uses]))
    conditions = {
        (tuple(key.column for key in item.columns), item.where) for item in offered.partial if item.where
    }
    begins = "\"wedding_date\" >= '2026-10-01'::date"
    assert (("venue_id",), begins) in conditions
    assert (("venue_id", "wedding_date"), begins) in conditions
    assert all(item.fraction < 0.1 for item in offered.partial)


def test_a_statement_with_a_later_date_is_served_too_and_one_with_an_earlier_is_not() -> None:
    later = "select * from bookings where wedding_date >= '2026-11-20' and venue_id = 5"
    earlier = "select * from bookings where wedding_date >= '2026-09-20' and venue_id = 5"
    uses = {key: uses_of(text) for key, text in {"1": RECENT, "2": later, "3": earlier}.items()}
    known = [item for item in boundaries(uses, {}, dating()) if item.boundary == day("2026-10-01")]
    changed = with_dates(uses, known)
    partial = replace(index("bookings", "venue_id"), where=known[0].condition)
    assert [helps(changed[key][0], partial) for key in "123"] == [True, True, False]


def test_nothing_for_a_small_table_a_clock_or_a_parameter() -> None:
    for text in (
        "select * from bookings where wedding_date >= current_date and venue_id = 5",
        "select * from bookings where wedding_date >= $1 and venue_id = 5",
    ):
        uses = {"1": uses_of(text)}
        assert boundaries(uses, {}, dating()) == []
        said = list(left_out(index("bookings", "venue_id", "wedding_date"), ["1"], uses))
        assert len(said) == 1 and "proves nothing from it" in said[0]
        assert not list(left_out(index("bookings", "venue_id"), ["1"], uses))
    small = {"1": tuple(replace(use, relation=replace(use.relation, pages=999)) for use in uses_of(RECENT))}
    assert boundaries(small, {}, dating()) == []


def test_a_window_that_was_seen_decides_over_the_constant_of_one_text() -> None:
    uses = {"1": uses_of(RECENT)}
    [found] = boundaries(uses, {"1": {"wedding_date": Window(100.0, 20.0, 9)}}, dating())
    assert found.days == 100 and found.boundary == boundary_of(NOW, 100)
    assert "followed the clock for 20 days" in notes_of(found)
    [alone] = boundaries(uses, {}, dating())
    assert "one text does not tell" in notes_of(alone)


def test_on_a_later_table_the_same_keys_over_all_rows_stand_in_for_it() -> None:
    uses = dated_uses(RECENT)
    partial = Dated("public", "bookings", "wedding_date", "date", day("2026-10-01"), 28, 0.1, NOW).condition
    made = stand_in(uses, replace(index("bookings", "venue_id"), where=partial, fraction=0.1))
    assert made == index("bookings", "venue_id")


def test_an_index_that_begins_at_a_date_already_is_renewed_and_gets_no_sister() -> None:
    uses = dated_uses(RECENT)
    held = existing("old", ["venue_id"], predicate="(wedding_date >= '2026-03-01'::date)")
    served = tuple(replace(use, relation=replace(use.relation, indexes=(held,))) for use in uses)
    partial = candidates(served, usage([served])).partial
    assert not [item for item in partial if [key.column for key in item.columns] == ["venue_id"]]
    assert [item for item in partial if len(item.columns) == 2]


# ---------------------------------------------------------------------- what sessions show

COLLECTED = "select * from bookings where venue_id = $1 and wedding_date >= $2 and id > $3"


def test_only_lower_bounds_are_looked_at() -> None:
    assert lower_bounds(Query.parse(COLLECTED)) == {2: "wedding_date", 3: "id"}
    assert lower_bounds(Query.parse("select 1 from b where d between $1 and $2 and $3::date < b.e")) == {
        1: "d",
        3: "e",
    }
    assert lower_bounds(Query.parse("select 1 from b where d <= $1 and lower(e) > $2")) == {}


def test_of_a_full_text_the_ages_of_dates_are_taken() -> None:
    full = "select * from bookings where venue_id = 7 and wedding_date >= '2026-11-01' and id > 12;"
    found = ages(COLLECTED, full, [2, 3], NOW)
    assert found == {2: pytest.approx(28.54, abs=0.01), 3: None}
    assert ages(COLLECTED, full.replace("id >", "id <"), [2, 3], NOW) == {}
    sent = "select * from bookings where venue_id = 7 and wedding_date >= $1 and id > 12"
    assert ages(COLLECTED, sent, [2], NOW) == {}


def test_a_window_stands_in_the_place_of_its_parameter() -> None:
    collected = replace(statement("1"), query=Query.parse(COLLECTED))
    changed = with_window(collected, {2: Window(30.0, 20.0, 9)}, NOW)
    assert changed.query.text == COLLECTED.replace("$2", "'2026-10-30'").replace("$3", "$2")
    assert changed.windows == {"wedding_date": Window(30.0, 20.0, 9)}
    assert with_window(collected, {}, NOW) is collected


# ---------------------------------------------------------------------- renewal

BOOKED = ("public", "bookings")
MONTH = Window(30.0, 20.0, 9)


def renewed(boundary: str, now: datetime = NOW, window: Window = MONTH) -> Renewal | None:
    timeline = Timeline(tuple(now + timedelta(days=182 - 36 * step) for step in range(100, -1, -1)), 1.0)
    return renewal(BOOKED, "wedding_date", "date", day(boundary), window, timeline, now)


def test_an_index_is_renewed_when_half_of_it_lies_before_what_is_asked_for() -> None:
    assert renewed("2026-09-01") is None and renewed("2026-03-01") is None
    found = renewed("2025-11-01")
    assert found is not None and found.fresh.boundary == day("2026-09-01")
    assert "nothing before 2026-10-30 is asked for" in found.reason
    fresh = dated(BOOKED, "wedding_date", "date", 30.0, EVEN, NOW, MONTH)
    assert fresh is not None
    # It is good until the day that was told, and not much longer.
    assert renewed("2026-09-01", fresh.until - timedelta(days=40)) is None
    assert renewed("2026-09-01", fresh.until + timedelta(days=40)) is not None


def test_an_index_is_renewed_when_earlier_dates_are_asked_for_than_it_holds() -> None:
    found = renewed("2026-09-01", window=Window(120.0, 20.0, 9))
    assert found is not None and found.fresh.boundary == day("2026-07-01")
    assert "does not hold" in found.reason


def test_an_index_is_not_renewed_for_a_window_that_is_most_of_the_table() -> None:
    assert renewed("2026-09-01", window=Window(2000.0, 20.0, 9)) is None
