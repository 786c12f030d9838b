"""Collection beside real sessions: what happens inside a minute is seen, nobody waits, and nothing makes a pass hang."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.cluster import Cluster
from tests.system.tuner import Background, Tuner, until

#: Two seconds before a minute's sampling ends, so that the tests of it are short.
LATE = "2101-01-01 00:00:53Z"
NEXT = "2101-01-01 00:01:00Z"


@pytest.fixture
def quick(tuner: Tuner) -> Tuner:
    """A database whose minute samples sessions five times a second."""
    tuner.set(sessions_interval="0.2 s")
    tuner.collect("2101-01-01 00:00:00Z")
    return tuner


@pytest.fixture
def sessions(cluster: Cluster) -> Iterator[ExitStack]:
    """What is opened here is closed before the database is dropped."""
    with ExitStack() as stack:
        yield stack


def minute(tuner: Tuner, at: str = LATE) -> Background:
    """The minute's job, in a session of its own, once its pass is over."""
    job = Background(tuner.cluster, tuner.database, f"call wedding_dbopt.collect_minute('{at}')")
    passed = "select count(*) from _wedding_dbopt.collect_log where source = 'pass' and at = %s"
    until(lambda: tuner.value(passed, at), 10)
    return job


def test_a_pile_up_between_two_passes_is_seen_with_its_statement(quick: Tuner, sessions: ExitStack) -> None:
    quick.table(rows=10)
    job = minute(quick)
    holder = sessions.enter_context(quick.cluster.connect(quick.database))
    holder.execute("begin; update booking set amount = 2 where id = 1")
    waiting = [
        Background(
            quick.cluster,
            quick.database,
            "set application_name = 'pile up'; update booking set amount = 1 where id = 1",
        )
        for _ in range(4)
    ]
    job.join(20)
    assert job.error is None
    holder.execute("rollback")
    for session in waiting:
        session.join(10)
    quick.collect(NEXT)
    quick.tick(NEXT)
    row = quick.row(
        """select waiting, waiting_max, idle_in_transaction_max, samples, by_application -> 'pile up' ->> 'waiting_max',
                  max_transaction_s > 0 from _wedding_dbopt.connection_sample where at = %s""",
        NEXT,
    )
    assert row[:3] == (0, 4, 1)
    assert row[3] >= 5
    assert row[4:] == ("4", True)
    found = quick.row(
        """select array_agg(distinct wait_event order by wait_event), min(wedding_context), sum(samples)
           from wedding_dbopt.get_wait_events('1 minute', 10, %s) where wait_event_type = 'Lock'""",
        NEXT,
    )
    assert found[:2] == (["transactionid", "tuple"], "booking")
    assert found[2] >= 4
    assert quick.value("select peak_waiting from wedding_dbopt.get_connection_stats(%s)", NEXT) == 4


def test_every_state_is_counted_as_it_was_opened(tuner: Tuner, sessions: ExitStack) -> None:
    before = tuner.row(
        "select active, idle, idle_in_transaction, total from wedding_dbopt.get_connection_stats()"
    )
    opened = [sessions.enter_context(tuner.cluster.connect(tuner.database)) for _ in range(5)]
    for session in opened[:2]:
        session.execute("begin")
    sleeper = Background(tuner.cluster, tuner.database, "select pg_sleep(60)")
    until(lambda: tuner.value("select state = 'active' from pg_stat_activity where pid = %s", sleeper.pid))
    now = tuner.row(
        "select active, idle, idle_in_transaction, total from wedding_dbopt.get_connection_stats()"
    )
    assert tuple(after - earlier for after, earlier in zip(now, before)) == (1, 3, 2, 6)
    tuner.run("select pg_cancel_backend(%s)", sleeper.pid)
    sleeper.join()


def test_the_minutes_job_holds_no_snapshot_for_long(quick: Tuner) -> None:
    job = minute(quick)
    ages = []
    while job.running:
        ages += quick.column(
            """select extract(epoch from clock_timestamp() - xact_start)::float8 from pg_stat_activity
               where pid = %s and backend_xmin is not null""",
            job.pid,
        )
        time.sleep(0.02)
    job.join()
    assert not [age for age in ages if age > 1.5]
    assert quick.value("select count(distinct at) from _wedding_dbopt.session_sample") >= 5
    assert quick.value("select count(*) from _wedding_dbopt.collector") == 0


def test_a_second_job_of_the_minute_takes_its_pass_and_goes(quick: Tuner) -> None:
    job = minute(quick)
    second = "2101-01-01 00:00:54Z"
    quick.run("call wedding_dbopt.collect_minute(%s)", second)
    assert job.running
    assert quick.value(
        "select reason from _wedding_dbopt.collect_log where at = %s and source = 'sessions'", second
    ).startswith("skipped")
    assert quick.value("select count(*) from _wedding_dbopt.connection_sample where at = %s", second) == 1
    job.join()


def test_pause_ends_the_sampling_but_not_the_passes(tuner: Tuner) -> None:
    tuner.set(sessions_interval="0.5 s")
    job = minute(tuner, "2101-01-01 00:00:05Z")
    tuner.run("select wedding_dbopt.pause()")
    job.join(10)
    tuner.collect(NEXT)
    assert tuner.value("select count(*) from _wedding_dbopt.connection_sample where at = %s", NEXT) == 1


def test_a_job_that_was_killed_does_not_stop_the_next_one(quick: Tuner) -> None:
    job = minute(quick, "2101-01-01 00:00:05Z")
    quick.run("select pg_terminate_backend(%s)", job.pid)
    job.join()
    assert quick.value("select count(*) from _wedding_dbopt.collector") == 1
    after = minute(quick)
    after.join(20)
    assert after.error is None
    assert (
        quick.value("select count(distinct at) from _wedding_dbopt.session_sample where at > %s", LATE) >= 5
    )


def staying(tuner: Tuner) -> Background:
    """The job of ten minutes, two seconds before its ninth is over and after the pass of the tenth."""
    tuner.set(sessions_interval="0 s")
    job = Background(
        tuner.cluster, tuner.database, "call wedding_dbopt.collect_minutes(10, '2101-01-01 00:08:58Z')"
    )
    until(lambda: len(tuner.column(PASSES)) == 2, 30)
    return job


PASSES = "select to_char(at, 'MI:SS') from _wedding_dbopt.collect_log where source = 'pass' order by at"


def test_a_session_that_stays_takes_the_next_pass_and_ends_with_its_ten_minutes(tuner: Tuner) -> None:
    job = staying(tuner)
    job.join(10)
    assert job.error is None
    assert tuner.column(PASSES) == ["08:58", "09:00"]


def waiting_job(tuner: Tuner) -> Background:
    """The job of ten minutes, asleep in its second."""
    tuner.set(sessions_interval="0 s")
    job = Background(
        tuner.cluster, tuner.database, "call wedding_dbopt.collect_minutes(10, '2101-01-01 00:01:01Z')"
    )
    until(lambda: tuner.column(PASSES), 30)
    until(
        lambda: tuner.value("select wait_event = 'PgSleep' from pg_stat_activity where pid = %s", job.pid), 10
    )
    return job


def test_a_session_that_stays_holds_no_snapshot_and_ends_when_the_jobs_are_taken_off(tuner: Tuner) -> None:
    job = waiting_job(tuner)
    for _ in range(30):
        ages = tuner.column(
            """select extract(epoch from clock_timestamp() - xact_start)::float8 from pg_stat_activity
               where pid = %s and backend_xmin is not null""",
            job.pid,
        )
        assert not [age for age in ages if age > 1.5]
        time.sleep(0.05)
    assert job.running
    tuner.run("select wedding_dbopt.unschedule_jobs()")
    job.join(10)
    assert job.error is None


def test_the_extension_can_be_dropped_beside_a_session_that_stays(tuner: Tuner) -> None:
    job = waiting_job(tuner)
    tuner.run("set lock_timeout = '5 s'")
    tuner.run("drop extension wedding_dbopt")
    job.join(10)
    assert job.error is None


def test_a_session_that_stays_does_not_hold_up_a_smart_shutdown() -> None:
    with Cluster() as cluster:
        cluster.install()
        with cluster.connect() as session:
            session.execute("select wedding_dbopt.set_setting('sessions_interval', '0 s')")
        job = Background(cluster, "test", "call wedding_dbopt.collect_minutes(10, '2101-01-01 00:01:01Z')")
        with cluster.connect() as session:
            until(lambda: session.execute("select from _wedding_dbopt.collect_log").fetchone() is not None)
        leaving = threading.Thread(target=job.join)  # its session closes behind it
        leaving.start()
        begun = time.monotonic()
        cluster.restart(signal.SIGTERM)
        assert time.monotonic() - begun < 30
        leaving.join()
        assert job.error is None


def hanging(tuner: Tuner, source: str) -> None:
    """Make a source of the pass hang."""
    tuner.run(
        f"""create or replace function _wedding_dbopt.sample_{source}(at timestamptz) returns void language sql
            as 'select pg_sleep(300)'"""
    )


def test_a_source_that_hangs_is_cancelled_by_the_tick_and_the_others_are_kept(tuner: Tuner) -> None:
    hanging(tuner, "connections")
    job = Background(tuner.cluster, tuner.database, f"call wedding_dbopt.collect_minute('{LATE}')")
    begun = "select count(*) from pg_stat_activity where pid = %s and wait_event = 'PgSleep'"
    until(lambda: tuner.value(begun, job.pid))
    assert (
        tuner.value("select _wedding_dbopt.cancel_stuck_pass(%s::timestamptz + interval '19 s')", LATE)
        is False
    )
    tuner.tick("2101-01-01 00:01:14Z")
    job.join(10)
    assert job.error is None
    logged = dict(
        tuner.rows(
            "select source, coalesce(sqlstate, reason) from _wedding_dbopt.collect_log where at = %s", LATE
        )
    )
    assert logged["statements"] is None
    assert logged["connections"] == "57014"
    assert logged["system"] == "not begun: the pass was cancelled in the source connections"
    assert logged["pass"] == "the pass was cancelled in the source connections"
    assert tuner.value("select count(*) from _wedding_dbopt.statement_sample where at = %s", LATE) == 1
    assert tuner.value("select count(*) from _wedding_dbopt.system_sample where at = %s", LATE) == 0


def test_a_pass_beyond_its_time_begins_nothing_more(tuner: Tuner) -> None:
    tuner.set(pass_time_limit="0 s")
    tuner.collect(LATE)
    reasons = tuner.column(
        "select distinct reason from _wedding_dbopt.collect_log where at = %s and source <> 'pass'", LATE
    )
    assert reasons == ["not begun: the pass took longer than 00:00:00"]
    assert tuner.value("select count(*) from _wedding_dbopt.statement_sample where at = %s", LATE) == 0


def test_a_statement_timeout_keeps_what_the_pass_had(tuner: Tuner) -> None:
    hanging(tuner, "connections")
    tuner.run("set statement_timeout = '1s'")
    tuner.collect(LATE)
    assert tuner.value("select count(*) from _wedding_dbopt.statement_sample where at = %s", LATE) == 1


DDL = (
    "lock table booking",
    "create index in_flight on booking (amount)",
    "alter table booking add column added integer default 7",
    "alter table booking alter column amount type bigint",
    "drop table booking",
    "truncate booking",
    "create table made as select * from booking",
)


@pytest.mark.parametrize("ddl", DDL)
def test_neither_waits_for_ddl_nor_holds_it_up(tuner: Tuner, sessions: ExitStack, ddl: str) -> None:
    tuner.table(rows=10)
    other = sessions.enter_context(tuner.cluster.connect(tuner.database))
    other.execute("begin")
    other.execute(ddl.encode())
    # Who waited for the other would wait until it ends, so a wait shows: in the log inside the pass, which allows itself a
    # second, and as an error outside of it.
    tuner.run("set lock_timeout = '1s'")
    tuner.run("begin")
    tuner.collect(LATE)
    assert (
        tuner.column(
            "select reason from _wedding_dbopt.collect_log where at = %s and reason is not null", LATE
        )
        == []
    )
    # What a table of the extension cannot keep in its rows lies in one of pg_toast, locked as the table itself is.
    held = tuner.column(
        """select l.relation::regclass::text from pg_locks l join pg_class c on c.oid = l.relation
           left join pg_index i on i.indexrelid = c.oid
           left join pg_class owner on owner.reltoastrelid = coalesce(i.indrelid, c.oid)
           where l.pid = pg_backend_pid()
             and coalesce(owner.relnamespace, c.relnamespace)::regnamespace::text not in ('pg_catalog', '_wedding_dbopt')"""
    )
    assert held == []
    # The pass is not committed: whatever it holds, it holds now.
    other.execute("set local lock_timeout = '1s'")
    other.execute("create table if not exists beside (id integer); drop table beside")
    other.execute("commit")
    tuner.run("commit")


def test_a_second_pass_returns_at_once(tuner: Tuner, sessions: ExitStack) -> None:
    other = sessions.enter_context(tuner.cluster.connect(tuner.database))
    other.execute("begin")
    other.execute("call wedding_dbopt.collect('2101-01-01 00:00:10Z')")
    tuner.run("set statement_timeout = '500ms'")
    tuner.collect(LATE)
    assert tuner.column("select reason from _wedding_dbopt.collect_log where at = %s", LATE) == ["skipped"]
    other.execute("commit")


def test_what_the_server_does_not_count_is_no_zero(tuner: Tuner, sessions: ExitStack) -> None:
    tuner.table(rows=10)
    tuner.run("insert into _wedding_dbopt.index_use values ('public.booking_pkey', 0, '2100-01-01Z')")
    minute = 0

    def passed(times: int = 1) -> str:
        """Passes with three calls before each; the time of the last."""
        nonlocal minute
        for _ in range(times):
            tuner.work("select count(*) from booking where vendor = 1", 3)
            minute += 5
            tuner.collect(f"2101-01-01 {minute // 60:02}:{minute % 60:02}Z")
        return f"2101-01-01 {minute // 60:02}:{minute % 60:02}Z"

    def stored(table: str, columns: str, at: str) -> list[tuple[object, ...]]:
        return tuner.rows(f"select {columns} from _wedding_dbopt.{table} where at = %s", at)

    def without(setting: str) -> tuple[str, str]:
        """The second of two passes under a setting, because the first one saw what was before, and one after it."""
        tuner.run(f"alter database {tuner.database} set {setting}")
        tuner.connect_again()
        sessions.enter_context(tuner.cluster.connect(tuner.database))
        during = passed(2)
        if setting == "track_counts = off":
            tuner.run("select _wedding_dbopt.watch_index_use(%s)", during)
        live.append(tuner.row("select active, idle, total from wedding_dbopt.get_connection_stats()"))
        sessions.pop_all().close()
        tuner.run(f"alter database {tuner.database} reset {setting.split()[0]}")
        tuner.connect_again()
        return during, passed()

    live: list[tuple[object, ...]] = []
    log = "select distinct source, reason like %s from _wedding_dbopt.collect_log where sqlstate = '55000' and at = %s order by 1"
    passed(2)
    for setting in ("pg_stat_statements.track = 'none'", "compute_query_id = off"):
        during, after = without(setting)
        assert tuner.rows(log, f"{setting.split()[0]} is %", during) == [("statements: tracking", True)]
        assert stored("statement_sample", "at", during) == []
        assert stored("statement_sample", "at - previous_at = '5 minutes', complete", after) == [
            (True, False)
        ]
        calls = """select d.calls from _wedding_dbopt.statement_delta(%s::timestamptz - interval '1 us', %s) d
                   join _wedding_dbopt.statement_text t using (statement_id) where t.query like '%%booking where vendor%%'"""
        assert tuner.column(calls, after, after) == [3]
        assert stored("statement_sample", "complete", passed()) == [(True,)]
    during, after = without("track_counts = off")
    assert tuner.rows(log, "track_counts is off%", during) == [
        ("relations: tracking", True),
        ("system: database", True),
    ]
    assert stored("table_sample", "at", during) == []
    assert stored("system_sample", "xact_commit, blks_hit", during) == [(None, None)]
    assert stored("table_sample", "complete, relids", after) == [(False, [])]
    used = "select unused_since = %s from _wedding_dbopt.index_use where name = 'public.booking_pkey'"
    assert tuner.value(used, during) is True
    during, after = without("track_activities = off")
    assert tuner.rows(log, "track_activities is off%", during) == [("connections: states", True)]
    states = "active, idle_max, idle_in_transaction_avg, waiting, total > 0"
    assert stored("connection_sample", states, during) == [(None, None, None, None, True)]
    assert live[-1][:2] == (None, None) and live[0][:2] == (1, 1)
