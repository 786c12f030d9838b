"""Settings of tables, statistics, vacuum, caches and connections: done, undone to the letter, and left to others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cluster import Cluster
from tests.system.pgbouncer import PgBouncer
from tests.system.tuner import Tuner

_OPTIONS = "select coalesce(reloptions::text, 'none') from pg_class where oid = 'public.booking'::regclass"
_LIMIT = "select rolconnlimit from pg_roles where rolname = %s"


@pytest.fixture
def booking(tuner: Tuner) -> Tuner:
    tuner.table(rows=2000)
    return tuner


@pytest.fixture
def bouncer(cluster: Cluster, tuner: Tuner, role: str) -> Iterator[PgBouncer]:
    with PgBouncer(cluster, tuner.database, role, default_pool_size=3, max_db_connections=50) as started:
        tuner.set(pgbouncer_dsn=started.console)
        yield started


def undo(tuner: Tuner, action: int) -> None:
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()


@pytest.mark.parametrize("own", ["", "autovacuum_vacuum_scale_factor = 0.1, toast_tuple_target = 512"])
def test_autovacuum_of_a_table_is_set_and_undone_whatever_it_had(booking: Tuner, own: str) -> None:
    if own:
        booking.run(f"alter table booking set ({own})")
    before = booking.value(_OPTIONS)
    action = booking.deed(
        "table_setting",
        object_kind="table",
        schema="public",
        table="booking",
        name="booking",
        details={
            "options": {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "1000"}
        },
    )
    booking.process()
    assert booking.state(action) == "verifying", booking.reason(action)
    assert "autovacuum_vacuum_scale_factor=0.02" in booking.value(_OPTIONS)
    undo(booking, action)
    assert booking.state(action) == "rolled_back", booking.reason(action)
    assert sorted(booking.value(_OPTIONS).strip("{}").split(",")) == sorted(before.strip("{}").split(","))
    assert booking.value("select error from _wedding_dbopt.action where id = %s", action) is None


def test_an_option_that_somebody_changed_is_theirs_and_others_stay(booking: Tuner) -> None:
    fill = {"options": {"fillfactor": "85"}}
    place = {"object_kind": "table", "schema": "public", "table": "booking", "name": "booking"}
    action = booking.deed("table_setting", details=fill, **place)
    booking.process()
    booking.run("alter table booking set (toast_tuple_target = 512)")
    undo(booking, action)
    assert booking.value(_OPTIONS) == "{toast_tuple_target=512}"
    action = booking.deed("table_setting", details=fill, **place)
    booking.process()
    booking.run("alter table booking set (fillfactor = 50)")
    undo(booking, action)
    assert (booking.state(action), booking.reason(action)) == ("withdrawn", "somebody set fillfactor = 50")


def test_vacuum_and_analyze_are_kept_when_done_and_not_needed_twice(booking: Tuner) -> None:
    booking.run("delete from booking where id % 2 = 0; select pg_stat_force_next_flush()")
    place = {"object_kind": "table", "schema": "public", "table": "booking", "name": "booking"}
    limits = ("set vacuum_cost_delay = '2ms'", "set vacuum_cost_limit = 200")
    vacuum = booking.deed("vacuum", sql=[*limits, "vacuum (analyze, truncate false) public.booking"], **place)
    analyze = booking.deed("statistics", sql=["analyze public.booking"], **place)
    booking.process()
    assert booking.state(vacuum) == "kept", booking.reason(vacuum)
    assert booking.value("select n_dead_tup from pg_stat_user_tables where relname = 'booking'") == 0
    assert booking.state(analyze) == "approved"  # one action on a table at a time
    booking.process()
    assert (booking.state(analyze), booking.reason(analyze)) == (
        "withdrawn",
        "somebody, or autovacuum, did the analyze meanwhile",
    )
    again = booking.deed("statistics", sql=["analyze public.booking"], **place)
    booking.process()
    assert booking.state(again) == "kept", booking.reason(again)
    undo(booking, again)
    assert booking.state(again) == "kept"
    assert booking.reason(again).startswith("there is nothing to undo")


def test_a_statistics_target_and_extended_statistics_are_undone(booking: Tuner) -> None:
    held = """select coalesce(string_agg(attname || attstattarget, ' ' order by attnum), '') || ' ' ||
                (select count(*) from pg_statistic_ext) from pg_attribute
              where attrelid = 'booking'::regclass and attnum > 0"""
    before = booking.value(held)
    place = {"schema": "public", "table": "booking"}
    target = booking.deed("statistics", object_kind="column", name="vendor", details={"target": 500}, **place)
    booking.process()
    assert booking.state(target) == "verifying", booking.reason(target)
    undo(booking, target)
    assert (booking.state(target), booking.value(held)) == ("rolled_back", before)
    extended = booking.deed(
        "statistics",
        object_kind="statistics",
        name="booking_pair",
        sql=[
            "create statistics if not exists public.booking_pair on vendor, amount from public.booking",
            "analyze public.booking",
        ],
        rollback_sql=["drop statistics if exists public.booking_pair"],
        **place,
    )
    booking.process()
    assert booking.state(extended) == "verifying", booking.reason(extended)
    assert booking.value(held) != before
    undo(booking, extended)
    assert (booking.state(extended), booking.value(held)) == ("rolled_back", before)


def test_hot_relations_are_read_into_memory(booking: Tuner) -> None:
    booking.run("create extension pg_prewarm; create extension pg_buffercache")
    cached = """select count(*) from pg_buffercache b join pg_class c on c.relfilenode = b.relfilenode
                join pg_database d on d.oid = b.reldatabase
                where c.relname = 'booking' and d.datname = current_database()"""
    action = booking.deed(
        "cache_optimization",
        object_kind="database",
        name=booking.database,
        sql=["select public.pg_prewarm('public.booking'::regclass, 'buffer')"],
    )
    booking.process()
    assert booking.state(action) == "kept", booking.reason(action)
    pages = booking.value("select relpages from pg_class where relname = 'booking'")
    assert booking.value(cached) >= pages


def test_a_role_s_limit_is_set_at_once_and_undone(tuner: Tuner, role: str) -> None:
    action = tuner.deed("connection_scaling", object_kind="role", name=role, details={"limit": 1})
    tuner.process()
    assert tuner.value(_LIMIT, role) == 1
    with (
        tuner.cluster.connect(tuner.database, role),
        pytest.raises(psycopg.OperationalError, match="too many connections for role"),
    ):
        tuner.cluster.connect(tuner.database, role)
    undo(tuner, action)
    assert (tuner.state(action), tuner.value(_LIMIT, role)) == ("rolled_back", -1)


def test_a_live_pool_grows_while_it_runs_and_goes_back(tuner: Tuner, bouncer: PgBouncer) -> None:
    file = bouncer.file.read_text()
    action = tuner.deed(
        "connection_scaling",
        object_kind="pooler",
        name="default_pool_size",
        details={"parameter": "default_pool_size", "value": "12"},
    )
    with bouncer.connect() as client:
        tuner.process()
        assert tuner.state(action) == "verifying", tuner.reason(action)
        assert bouncer.show("default_pool_size") == "12"
        assert client.execute("select 1").fetchone() == (1,)  # the client that was there goes on
        undo(tuner, action)
        assert tuner.state(action) == "rolled_back", tuner.reason(action)
        assert bouncer.show("default_pool_size") == "3"
        assert client.execute("select 1").fetchone() == (1,)
    assert bouncer.file.read_text() == file


def test_a_reload_of_the_pooler_ends_the_action_and_somebody_s_size_is_his(
    tuner: Tuner, bouncer: PgBouncer
) -> None:
    def grow() -> int:
        action = tuner.deed(
            "connection_scaling",
            object_kind="pooler",
            name="default_pool_size",
            details={"parameter": "default_pool_size", "value": "12"},
        )
        tuner.process()
        assert bouncer.show("default_pool_size") == "12"
        return action

    action = grow()
    bouncer.reload()
    tuner.process()
    assert tuner.state(action) == "rolled_back", tuner.reason(action)
    action = grow()
    with psycopg.connect(bouncer.console, autocommit=True) as session:
        session.pgconn.exec_(b"SET default_pool_size = 40")
    undo(tuner, action)
    assert (tuner.state(action), bouncer.show("default_pool_size")) == ("withdrawn", "40")


def test_a_pooler_that_is_gone_fails_without_its_password(tuner: Tuner) -> None:
    tuner.set(pgbouncer_dsn=f"host={Path('/nowhere')} dbname=pgbouncer user=postgres password=topsecret")
    action = tuner.deed(
        "connection_scaling",
        object_kind="pooler",
        name="default_pool_size",
        details={"parameter": "default_pool_size", "value": "12"},
    )
    tuner.process()
    assert tuner.state(action) == "approved"
    row = tuner.value("select row_to_json(a)::text from _wedding_dbopt.action a where id = %s", action)
    assert "PgBouncer's console cannot be reached" in row
    everything = tuner.value("select string_agg(e::text, ' ') from _wedding_dbopt.event e")
    assert "topsecret" not in row + everything
