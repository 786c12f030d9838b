"""Surges through the extension's own step, on minutes of synthetic traffic; fits through the procedure that runs hourly."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from tests.bench.season import FACTORS, passes_cpu_ms, watch
from tests.workload.learning import platform
from tests.workload.traffic import UTC, Traffic

Connection = psycopg.Connection[Any]


def test_surges_are_found_and_nothing_else(connection: Connection) -> None:
    """Over the change of the clocks, the end of a season and Christmas; one fit in three days."""
    traffic = Traffic(11, date(2022, 9, 1), 520, peak=60, season=3)
    seen = watch(connection, traffic, date(2023, 10, 20), 75, 60, fit_every=3)
    soon, cases = seen.recall(2, (8.0, 10.0))
    assert cases == 24
    assert soon >= 0.85  # a pass that is missing takes its minute
    assert seen.recall(10, FACTORS)[0] >= 0.95
    assert len(seen.false_alarms) / seen.weeks <= 1
    assert sorted(seen.ends)[len(seen.ends) // 2] <= 10


def test_without_history_nothing_ordinary_is_a_surge(connection: Connection) -> None:
    """The first two weeks of an installation: no fit, then fits of days."""
    traffic = Traffic(3, date(2023, 6, 1), 14, peak=60)
    quiet = watch(connection, traffic, date(2023, 6, 1), 14, 0)
    assert len(quiet.false_alarms) <= 2
    loud = watch(connection, traffic, date(2023, 6, 1), 14, 20)
    assert loud.recall(10, (10.0,))[0] >= 0.75


def test_a_pass_costs_the_watch_little(connection: Connection) -> None:
    assert passes_cpu_ms(connection, 60) <= 5  # 2 ms on a quiet machine


def test_maintain_learns_the_season(connection: Connection) -> None:
    traffic = platform(5, 2)
    end = datetime(2023, 11, 6, tzinfo=UTC)
    connection.execute("select wedding_dbopt.set_setting('time_zone', 'Europe/Berlin')")
    with connection.cursor().copy(
        "copy _wedding_dbopt.context_hour (hour, context, calls, exec_ms, exec_sq, rows, hit, read) from stdin"
    ) as copy:
        for count in traffic.counts(60, until=end.date()):
            if count.observed:
                copy.write_row((count.at - timedelta(hours=1), "booking", count.calls, 1, 1, 1, 1, 1))
    before = connection.execute("select wedding_dbopt.get_season('2023-07-01Z')").fetchone()
    assert before is not None
    assert (before[0]["season_multiplier"], before[0]["multiplier_basis"]) == (4.0, "prior")
    connection.execute("call wedding_dbopt.maintain(%s)", [end])
    after = connection.execute("select wedding_dbopt.get_season('2023-07-01Z')").fetchone()
    assert after is not None
    assert after[0]["multiplier_basis"] == "measured"
    true = traffic.multiplier(range(5, 11))
    assert abs(after[0]["season_multiplier"] / true - 1) <= 0.08
    booking = after[0]["multipliers"]["wedding"]["booking"]
    assert booking["low"] < booking["multiplier"] < booking["high"]
    assert booking["seasons_observed"] == 2
    profile = connection.execute(
        "select count(*) from _wedding_dbopt.load_profile where context = 'booking'"
    ).fetchone()
    assert profile == (168,)
