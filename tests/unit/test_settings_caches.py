"""Prewarming and refreshing on planted figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wedding_dbopt.settings import prewarm, refresh
from wedding_dbopt.settings.advice import Advice
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import Parameter
from wedding_dbopt.settings.prewarm import Cache, Hot
from wedding_dbopt.settings.refresh import View

MB = 2**20
SERVER = Server(
    "wedding",
    {"shared_buffers": Parameter("shared_buffers", "12800", "8kB", "postmaster")},  # 100 MB
    hours=24.0,
)
HOT = (
    Hot("public.booking", "public", "booking", "table", 30 * MB, 9000.0),
    Hot("public.booking_pkey", "public", "booking_pkey", "index", 3 * MB, 9000.0),
    Hot("public.archive", "public", "archive", "table", 80 * MB, 9000.0),
    Hot("public.cold", "public", "cold", "table", MB, 5.0),
)
CACHE = Cache(HOT, minutes_up=3.0, extension="public", available=True, began_at="2031-05-01 04:00:00")


def only(advices: object) -> Advice:
    (one,) = list(advices)  # type: ignore[call-overload]
    assert isinstance(one, Advice)
    return one


def test_after_a_restart_the_hottest_are_read_densest_first_within_shared_buffers() -> None:
    advice = only(prewarm.advise(CACHE, SERVER))
    assert advice.sql == (
        "select public.pg_prewarm('public.booking_pkey'::regclass, 'buffer'::text, 'main'::text, null::bigint, null::bigint)",
        "select public.pg_prewarm('public.booking'::regclass, 'buffer'::text, 'main'::text, null::bigint, null::bigint)",
    )
    assert advice.rollback_sql == ()
    assert advice.details == {"parameter": "start 2031-05-01 04:00:00"}  # the next restart is another action


def test_a_season_that_begins_is_an_occasion_too() -> None:
    warm = replace(CACHE, minutes_up=9000.0)
    assert list(prewarm.advise(warm, SERVER)) == []
    assert (
        "season wedding begins" in only(prewarm.advise(replace(warm, season_begins="wedding"), SERVER)).reason
    )


def test_for_a_season_it_is_said_that_its_own_memory_was_asked() -> None:
    """F9."""
    season = replace(CACHE, minutes_up=9000.0, season_begins="wedding")
    assert "were asked for most in the hours before" in only(prewarm.advise(season, SERVER)).reason
    remembered = only(prewarm.advise(replace(season, remembered=True), SERVER))
    assert "were asked for most when the season wedding was on last" in remembered.reason


def test_without_the_extension_it_is_said_and_not_done() -> None:
    advice = only(prewarm.advise(replace(CACHE, extension=None), SERVER))
    assert (advice.sql, advice.most) == (("create extension pg_prewarm",), "recommend")
    assert list(prewarm.advise(replace(CACHE, extension=None, available=False), SERVER)) == []


def test_nothing_is_read_that_nobody_asked_for() -> None:
    assert list(prewarm.advise(replace(CACHE, relations=()), SERVER)) == []
    assert list(prewarm.advise(replace(CACHE, relations=HOT[3:]), SERVER)) == []


VIEW = View("public.top_vendors", "public", "top_vendors", 500, 40_000, 0, True, True, 24.0)


def view(**changes: object) -> View:
    return replace(VIEW, **changes)  # type: ignore[arg-type]


def test_a_view_that_is_read_and_out_of_date_is_refreshed_by_schedule_if_a_person_agrees() -> None:
    advice = only(refresh.advise([view()], SERVER, True))
    assert advice.sql == (
        "select cron.schedule('wedding_dbopt refresh public.top_vendors', '7 * * * *', "
        "'refresh materialized view concurrently public.top_vendors')",
    )
    assert advice.rollback_sql == ("select cron.unschedule('wedding_dbopt refresh public.top_vendors')",)
    assert advice.most == "approve"
    assert "at most 60 minutes old" in advice.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"scans": 0},
        {"changed": 0},
        {"refreshes": 100},
        {"unique_index": False},
        {"populated": False},
    ],
)
def test_no_refresh_without_cause_or_where_it_would_lock_readers(changes: dict[str, object]) -> None:
    assert list(refresh.advise([view(**changes)], SERVER, True)) == []


def test_no_refresh_without_pg_cron_or_twice() -> None:
    assert list(refresh.advise([VIEW], SERVER, False)) == []
    assert list(refresh.advise([VIEW], SERVER, True, ["wedding_dbopt refresh public.top_vendors"])) == []
    commands = ["REFRESH MATERIALIZED VIEW public.top_vendors;"]
    assert list(refresh.advise([VIEW], SERVER, True, commands)) == []
