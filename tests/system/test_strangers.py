"""What strangers, silent machines and odd clocks do to passes, checks and fetches."""

from __future__ import annotations

import socket
import struct
import threading
import time

import psycopg
import pytest
from wedding_dbopt import replicas
from wedding_dbopt.settings import prewarm
from wedding_dbopt.settings.figures import Server
from wedding_dbopt.settings.parameters import Parameter
from wedding_dbopt.settings.prewarm import Cache, Hot

from tests.cluster import Cluster
from tests.system.conftest import fresh_database
from tests.system.tuner import Tuner

AT = "2026-03-01 10:00+00"


def test_a_schema_named_as_pg_cron_s_runs_no_code_of_its_owner(
    cluster: Cluster, tuner: Tuner, role: str
) -> None:
    tuner.run(f"grant create on database {tuner.database} to {role}")
    with cluster.connect(tuner.database, role) as stranger:
        for statement in (
            "create schema cron",
            "create table cron.ran (who text)",
            "grant usage on schema cron to public",
            """create function cron.trap() returns bigint language plpgsql as $$
               begin insert into cron.ran values (current_user); return 1; end $$""",
            """create view cron.job as
               select cron.trap() as jobid, ('wedding_dbopt collect' || left(cron.trap()::text, 0))::name as jobname,
                      cron.trap() > 0 as active, cron.trap()::text as schedule, cron.trap()::text as command,
                      current_database() as database""",
            """create view cron.job_run_details as
               select cron.trap() as runid, 1::bigint as jobid, 'failed' as status, 'x' as return_message,
                      timestamptz '2026-02-01' as end_time""",
        ):
            stranger.execute(statement.encode())
    tuner.run("select * from wedding_dbopt.findings()")
    tuner.run("call wedding_dbopt.maintain(%s)", AT)
    tuner.run("select wedding_dbopt.health(); select wedding_dbopt.check_installation()")
    tuner.run("select _wedding_dbopt.pass_missed(now()); select wedding_dbopt.unschedule_jobs()")
    assert tuner.rows("select who from cron.ran") == []


def test_a_function_named_as_pg_prewarm_s_is_not_called_in_its_place(
    cluster: Cluster, tuner: Tuner, role: str
) -> None:
    tuner.table(rows=100)
    tuner.run(
        f"create schema shared; create extension pg_prewarm schema shared; grant all on schema shared to {role}"
    )
    with cluster.connect(tuner.database, role) as stranger:
        stranger.execute("create table shared.ran (who text)")
        stranger.execute(
            """create function shared.pg_prewarm(regclass, text) returns bigint language plpgsql as $$
               begin insert into shared.ran values (current_user); return 1; end $$"""
        )
    booking = Hot("public.booking", "public", "booking", "table", 8192, 9000.0)
    server = Server(
        tuner.database, {"shared_buffers": Parameter("shared_buffers", "12800", "8kB", "postmaster")}
    )
    (advice,) = prewarm.advise(Cache((booking,), 5, "shared"), server)
    action = tuner.deed("cache_optimization", object_kind="database", name=tuner.database, sql=advice.sql)
    tuner.process()
    assert tuner.state(action) in ("verifying", "kept"), tuner.reason(action)
    assert tuner.rows("select who from shared.ran") == []


def test_a_strangers_error_that_looks_like_a_cancel_costs_his_own_statement_only(
    cluster: Cluster, tuner: Tuner, role: str
) -> None:
    tuner.table()
    tuner.run(f"create schema theirs authorization {role}")
    with cluster.connect(tuner.database, role) as stranger:
        for statement in (
            "create table theirs.armed (yes boolean)",
            "create table theirs.letters as select g as id from generate_series(1, 20000) g",
            """create function theirs.trap() returns integer immutable language plpgsql as $$ begin
               if exists (select from theirs.armed) then
                 raise query_canceled using message = 'canceling statement due to user request';
               end if; return 5; end $$""",
        ):
            stranger.execute(statement.encode())
    tuner.collect()
    tuner.work("select count(*) from theirs.letters where id = theirs.trap()", user=role)
    tuner.work("select * from booking where vendor = 5")
    tuner.collect()
    tuner.run("insert into theirs.armed values (true)")
    run = tuner.tune("dry_run => true")
    skipped = tuner.value("select statements_skipped::text from _wedding_dbopt.tuning_run where id = %s", run)
    assert "57014" in skipped
    advised = "select table_name from wedding_dbopt.get_recommendations() where kind = 'index_creation'"
    assert tuner.column(advised) == ["booking"]


def test_no_check_keeps_a_lock_on_a_sequence(cluster: Cluster, tuner: Tuner) -> None:
    tuner.run("create sequence counted")
    tuner.run("select nextval('counted')")
    with psycopg.connect(cluster.conninfo(tuner.database)) as reader:
        read = reader.execute(
            "select relid::regclass::text, last_value from _wedding_dbopt.sequence_values()"
        )
        assert ("counted", 1) in read.fetchall()
        reader.execute("select * from wedding_dbopt.findings()")
        held = tuner.rows("select mode from pg_locks where relation = 'counted'::regclass")
    assert held == []


def test_what_takes_a_sequence_s_name_runs_no_code_of_its_owner(tuner: Tuner) -> None:
    if not tuner.rows("select from pg_settings where name = 'restrict_nonsystem_relation_kind'"):
        return  # an older minor release cannot shut views out
    tuner.run("create function trap() returns bigint language sql as 'select 1::bigint'")
    tuner.run("create view taken as select trap() as last_value, trap() > 0 as is_called")
    assert tuner.value("select _wedding_dbopt.sequence_value('taken'::regclass)") is None
    assert tuner.value("select current_setting('restrict_nonsystem_relation_kind')") == ""


def test_a_table_in_a_sequence_s_place_runs_no_cast_of_its_owner(tuner: Tuner) -> None:
    for statement in (
        "create type odd as (n bigint)",
        "create function cast_it(odd) returns text language sql as $$ select 'true' $$",
        "create function number_it(odd) returns bigint language sql as 'select 1::bigint'",
        "create cast (odd as text) with function cast_it(odd) as implicit",
        "create cast (odd as bigint) with function number_it(odd) as implicit",
        "create table taken (last_value odd, is_called boolean)",
        "insert into taken values (row(1), true)",
    ):
        tuner.run(statement)
    assert tuner.value("select _wedding_dbopt.sequence_value('taken'::regclass)") is None


def test_two_passes_at_the_same_time_lose_no_source(tuner: Tuner) -> None:
    for at in (AT, "2026-03-01 10:01+00", "2026-03-01 10:01+00", "2026-03-01 10:02+00"):
        tuner.run("call wedding_dbopt.collect(%s)", at)
    assert (
        tuner.rows("select source, reason from _wedding_dbopt.collect_log where sqlstate is not null") == []
    )


@pytest.mark.parametrize("at", ["infinity", "-infinity"])
@pytest.mark.parametrize("job", ["collect", "collect_minute", "collect_hour", "maintain"])
def test_a_job_refuses_a_time_that_never_comes(tuner: Tuner, job: str, at: str) -> None:
    tuner.run("set statement_timeout = '20s'")
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        tuner.run(f"call wedding_dbopt.{job}(%s)", at)
    assert refused.value.diag.message_hint


@pytest.mark.parametrize("at", [None, "infinity"])
def test_a_baseline_refuses_a_time_that_never_comes(tuner: Tuner, at: str | None) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue) as refused:
        tuner.run("select wedding_dbopt.create_baseline('mine', at => %s)", at)
    assert refused.value.diag.message_hint


class Silent:
    """A server that lets everybody in and then answers nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            client.recv(4096)
            answers = b"R" + struct.pack("!ii", 8, 0)
            for name, value in ((b"server_version", b"15.0"), (b"client_encoding", b"UTF8")):
                text = name + b"\0" + value + b"\0"
                answers += b"S" + struct.pack("!i", 4 + len(text)) + text
            client.sendall(answers + b"Z" + struct.pack("!i", 5) + b"I")

    def close(self) -> None:
        self._listener.close()
        for client in self._open:
            client.close()


def test_a_replica_that_falls_silent_is_given_up(tuner: Tuner) -> None:
    silent = Silent()
    try:
        dsn = f"host=127.0.0.1 port={silent.port} dbname=x user=x sslmode=disable gssencmode=disable"
        tuner.run("select wedding_dbopt.add_replica('silent', %s)", dsn)
        begun = time.monotonic()
        tuner.run("call wedding_dbopt.collect_hour(%s)", AT)
        assert time.monotonic() - begun < 3 * replicas.PATIENCE
    finally:
        silent.close()
    assert tuner.value("select reason from wedding_dbopt.get_replicas()") == (
        f"it did not answer within {replicas.PATIENCE} seconds"
    )


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "UTF8"])
def test_a_text_that_is_none_costs_no_counts_and_texts_come_later(cluster: Cluster, encoding: str) -> None:
    """pg_stat_statements shows no text at all while one of any database cannot be converted."""
    with cluster.connect() as admin:
        admin.execute(
            "create database bytes template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'"
        )
        (strange,) = admin.execute("select oid from pg_database where datname = 'bytes'").fetchone() or (0,)
    try:
        if encoding == "SQL_ASCII":
            cluster.install("bytes")
        with (
            fresh_database(cluster) as other,
            Tuner(cluster, "bytes" if encoding == "SQL_ASCII" else other) as tuner,
        ):
            tuner.run("set client_encoding = 'UTF8'")
            tuner.run("create table booking (id integer, vendor integer)")
            tuner.collect("2101-01-01 00:00Z")
            with cluster.connect("bytes", client_encoding="SQL_ASCII") as bytes_beyond:
                bytes_beyond.execute(b"select 'x' as a\xff\xe9, 1, 2, 3, 4, 5, 6 from generate_series(1, 3)")
            for _ in range(3):
                tuner.run("select count(*) from booking where vendor = 1")
            tuner.collect("2101-01-01 00:01Z")
            errors = "select source, sqlstate from _wedding_dbopt.collect_log where sqlstate is not null"
            calls = """
                select d.calls, t.query, s.context
                from _wedding_dbopt.statement_delta('2101-01-01 00:00Z', '2101-01-01 00:02Z') d
                join _wedding_dbopt.statement s on s.id = d.statement_id
                left join _wedding_dbopt.statement_text t using (statement_id)
                join pg_stat_statements(false) c using (queryid, dbid)
                where c.calls = 3 and dbid = %s"""
            dbid = tuner.value("select oid from pg_database where datname = current_database()")
            if encoding == "UTF8":
                assert tuner.rows(errors) == [("statements: texts", "22021")]
                assert (3, None, None) in tuner.rows(calls, dbid)
                tuner.run("select pg_stat_statements_reset(0, %s::oid, 0::bigint)", strange)
                tuner.collect("2101-01-01 00:02Z")
                assert len(tuner.rows(errors)) == 1
            tuner.tick("2101-01-01 00:03Z")
            assert not [row for row in tuner.rows(errors) if row[0].startswith("tick")]
            assert (3, "select count(*) from booking where vendor = $1", "booking") in tuner.rows(calls, dbid)
            assert tuner.value("select count(*) from _wedding_dbopt.statement where unread") == 0
            tuner.run("select pg_stat_statements_reset(0, %s::oid, 0::bigint)", strange)
    finally:
        with cluster.connect() as admin:
            admin.execute("drop database bytes with (force)")


def test_a_clock_that_was_years_ahead_leaves_nothing_behind(tuner: Tuner) -> None:
    tuner.table(rows=10)
    minutes = [f"2101-01-01 00:{minute:02}Z" for minute in range(0, 26, 5)]
    for at in (minutes[0], minutes[1], "2136-01-01Z", *minutes[2:]):
        if at == minutes[3]:
            tuner.run("select pg_stat_statements_reset()")
        tuner.work("select count(*) from booking where vendor = 1", 3)
        tuner.collect(at)
    passes = """
        select d.at - d.previous_at = '5 minutes', d.calls from _wedding_dbopt.statement_delta(%s, %s) d
        join _wedding_dbopt.statement_text t using (statement_id)
        where t.query like '%%from booking where vendor%%' order by d.at"""
    assert tuner.rows(passes, minutes[0], minutes[-1]) == [(True, 3)] * 5
    tables = "select count(*) from _wedding_dbopt.table_sample where at <= %s"
    assert tuner.value(tables, minutes[-1]) == len(minutes)
    judged = "select evaluated_at = %s from _wedding_dbopt.alert_clock"
    watched = "select bool_and(at = %s) from _wedding_dbopt.surge_state"
    assert tuner.value(judged, minutes[-1]) and tuner.value(watched, minutes[-1])
