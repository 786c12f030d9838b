"""The loop and the season: work that waits for its window, surges that ask for actions, season-only actions that go and come."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from tests.system.tuner import Tuner
from tests.workload import load

BOOKINGS = """
select id, wedding_id, wedding_date, status, guest_count from bookings
where venue_id = {venue} and wedding_date between {since} and {until} and status in ('confirmed', 'pending')
order by wedding_date limit 50
"""
FULL_TEXT = """
select id, name, category, location, rating from vendors
where to_tsvector('english', name || ' ' || coalesce(description, '')) @@ websearch_to_tsquery('english', '{phrase}')
  and status = 'active' and verified = true
order by rating desc nulls last limit 20
"""
BUDGET = """
select id, name, rating, price_range, services from vendors
where category = '{category}' and location = '{location}' and price_range in ('budget', 'moderate') and rating >= 3
  and status = 'active' and verified = true
order by rating desc limit 20
"""


def freeze_now(tuner: Tuner) -> None:
    tuner.run(
        "select wedding_dbopt.declare_freeze('gala', now() - interval '1 hour', now() + interval '5 hours')"
    )


def test_heavy_work_waits_for_its_window_and_everybody_sees_why(tuner: Tuner) -> None:
    """T4, S4: the reason is an event, the time of the next attempt stands in get_actions()."""
    tuner.table(rows=100)
    tuner.set(heavy_work_bytes="0")
    freeze_now(tuner)
    action = tuner.action("booking", "vendor")
    tuner.process()
    assert tuner.state(action) == "approved"
    assert "postponed: freeze gala" in tuner.reason(action)
    assert tuner.value(
        """select a.next_attempt_at = f.ends_at from wedding_dbopt.get_actions() a, wedding_dbopt.get_freezes() f
           where a.id = %s and f.name = 'gala'""",
        action,
    )
    tuner.process()
    assert len(tuner.rows("select from _wedding_dbopt.event where reason like 'postponed%'")) == 1
    tuner.run("call wedding_dbopt.process_actions(now() + interval '6 hours')")
    assert tuner.state(action) == "verifying"


def test_an_emergency_does_not_wait(tuner: Tuner) -> None:
    """A critical context misses its objective now and the action mends it; one for another context waits."""
    tuner.table(rows=100)
    tuner.table("public.guest", rows=100)
    tuner.set(heavy_work_bytes="0")
    freeze_now(tuner)
    mends, other = tuner.action("booking", "vendor"), tuner.action("guest", "vendor")
    tuner.run("update _wedding_dbopt.action set wedding_context = 'guest_management' where id = %s", other)
    tuner.run(
        """insert into _wedding_dbopt.context_sample
             (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read, above, above_low, above_high)
           values (now(), now() - interval '1 minute', 'booking', 100, 9000, 900000, 1, 1, 1, 90, 80, 95)"""
    )
    tuner.process()
    assert (tuner.state(mends), tuner.state(other)) == ("verifying", "approved")


def test_a_season_only_index_goes_with_the_season_and_comes_back_before_the_next(tuner: Tuner) -> None:
    """F8, over two years of ticks."""
    tuner.table(rows=2000)
    action = tuner.action("booking", "vendor")
    tuner.process()
    tuner.run("select _wedding_dbopt.change_action(%s, 'kept', 'test')", action)
    tuner.run("update _wedding_dbopt.action set season = 'wedding'")
    with_it = tuner.indexes()

    def in_ticks(at: str) -> bool:
        tuner.tick(at)
        tuner.tick(at)
        return tuner.indexes() == with_it

    assert in_ticks("2031-10-31 12:00Z")
    assert not in_ticks("2031-11-02 12:00Z")
    assert tuner.state(action) == "rolled_back"
    assert not in_ticks("2032-03-01 12:00Z")
    assert in_ticks("2032-04-20 12:00Z")
    (second,) = tuner.column("select id from _wedding_dbopt.action where phase = 'season'")
    assert (tuner.state(second), tuner.reason(second)) == (
        "kept",
        f"done; it proved its worth as action {action}",
    )


def test_a_scheduled_run_that_fails_is_logged_and_the_next_one_comes(tuner: Tuner) -> None:
    """E79; the season opens between the two, so the second comes after four hours instead of twelve, without a restart."""
    tuner.run(
        """insert into _wedding_dbopt.event (at, actor, subject, reason)
           values ('2031-04-30 09:00Z', 'test', 'schedule', 'test')"""
    )
    tuner.set(executor_dsn="host=/nowhere")
    tuner.tick("2031-04-30 21:00Z")
    assert tuner.rows("select state, error_sqlstate from _wedding_dbopt.tuning_run") == [("failed", "WD008")]
    tuner.set(executor_dsn="")
    tuner.tick("2031-05-01 00:59Z")
    tuner.tick("2031-05-01 01:00Z")
    assert tuner.column("select state from _wedding_dbopt.tuning_run order by id") == ["failed", "finished"]


def bookings(venue: int, since: date, until: date) -> str:
    identity = uuid.UUID(hashlib.md5(f"venue{venue}".encode()).hexdigest())
    return BOOKINGS.format(venue=f"'{identity}'", since=f"'{since}'", until=f"'{until}'")


def as_role(tuner: Tuner, role: str) -> psycopg.Connection[Any]:
    where = tuner.cluster.conninfo(tuner.database, "authenticator", options=f"-c role={role}")
    return psycopg.connect(where, autocommit=True, prepare_threshold=None)


@contextmanager
def traffic(tuner: Tuner) -> Iterator[None]:
    """Bookings and vendor searches of the platform; the sessions stay, because the tick reads constants from one."""
    with as_role(tuner, "service_role") as staff, as_role(tuner, "anon") as guest:
        for number in range(1, 61):
            since = date.today() + timedelta(days=5 * number)
            staff.execute(bookings(number % 30 + 1, since, since + timedelta(days=42)).encode())
            guest.execute(BUDGET.format(category="catering", location="Paris").encode())
            guest.execute(FULL_TEXT.format(phrase="rustic barn").encode())
        yield


@pytest.fixture
def platform(tuner: Tuner) -> Tuner:
    load.load(tuner.cluster.conninfo(tuner.database), scale=0.1, progress=lambda line: None)
    tuner.run("vacuum analyze")
    silent = "select id from vendors where description is null and status = 'active' and verified limit 1"
    tuner.run(f"create table nameless as {silent}")
    tuner.run("update vendors set name = 'Zanzibarian Rustic Barn' where id = (select id from nameless)")
    return tuner


def plan(tuner: Tuner, sql: str) -> str:
    return "\n".join(tuner.column(f"explain {sql}"))


def test_a_surge_of_bookings_and_searches_leads_to_the_advisors_indexes(platform: Tuner) -> None:
    """E65, E66, E67, E69, E70, E71, E72, E84: chosen from what ran, used by the plans, today and in a year."""
    platform.collect()
    with traffic(platform):
        platform.collect()
        platform.run("select _wedding_dbopt.classify_statements()")
        platform.run(
            """insert into _wedding_dbopt.surge (context, began_at, detected_at, factor, usual, basis)
               select context, now(), now(), 9.6, 100, 'test' from unnest('{booking,vendor_search}'::text[]) context"""
        )
        platform.tick()
    run = platform.value("select wedding_dbopt.get_tuning_run()")
    assert (run["trigger"], run["season_mode"]) == ("surge", True)
    done = {entry["wedding_context"]: entry for entry in run["wedding_season_optimizations"]}
    assert set(done) == {"booking", "vendor_search"}, run
    for entry in done.values():
        assert entry["optimization_type"] == "index_creation"
        assert entry["impact_estimate"] > 0
        assert entry["reason"].startswith("surge: 9.6 times the usual")
        assert entry["duration"] == "permanent"
    made = platform.column("select object_name from _wedding_dbopt.action where state = 'verifying'")

    def uses_one_of_ours(sql: str) -> bool:
        return any(name in plan(platform, sql) for name in made)

    for today in (
        date.today(),
        date.today() + timedelta(days=365),
    ):  # E70: no date is in the index that could rot
        eighteen_months = bookings(1, today, today + timedelta(days=548))
        assert uses_one_of_ours(eighteen_months), plan(platform, eighteen_months)
    search = FULL_TEXT.format(phrase="zanzibarian")
    assert uses_one_of_ours(search), plan(platform, search)
    assert [row[0] for row in platform.rows(search)] == platform.column("select id from nameless")
    assert uses_one_of_ours(BUDGET.format(category="catering", location="Paris"))
    answer = platform.value("select wedding_dbopt.optimize_database('moderate', true)")
    assert answer["success"] and answer["result"]["run_id"] and answer["timestamp"]
    platform.tick()
    again = platform.value("select wedding_dbopt.get_tuning_run()")["wedding_season_optimizations"]
    assert all(entry["description"].startswith("exists already") for entry in again), again


def test_what_would_break_first_is_computed_by_the_tick(tuner: Tuner) -> None:
    """F7: statements are planned anew as their own role, in the executor's session."""
    tuner.table()
    tuner.collect()
    for _ in range(2):
        tuner.work("select count(*) from booking where vendor = {number}", times=30)
        tuner.collect()
    asked = tuner.value("select wedding_dbopt.prepare_season('wedding')")
    tuner.tick()
    told = tuner.value("select wedding_dbopt.get_readiness(%s)", asked["readiness_id"])
    assert told["state"] == "finished", told
    assert told["statements"][0]["grows_with_tables_percent"] > 90
    assert told["notes"] == []
    assert [scenario["name"] for scenario in told["scenarios"]] == ["season", "surge"]
