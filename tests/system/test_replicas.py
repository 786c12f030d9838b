"""A streaming replica: an index that only it uses is used, its password is nobody's, and a dead one is named, not feared."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.cluster import Cluster, Standby
from tests.system.tuner import Tuner, until

SECRET = "s3cret-of-the-replica"
FIRST, SECOND, THIRD = (f"2101-01-01 0{hour}:00:00Z" for hour in (1, 2, 3))


@pytest.fixture
def standby(cluster: Cluster, database: str) -> Iterator[Standby]:
    with cluster.connect(database) as session:
        session.execute("create table booking (id integer primary key, vendor integer, note text)")
        session.execute("insert into booking select g, g % 2000, 'x' from generate_series(1, 20000) g")
        session.execute("create index by_vendor on booking (vendor); create index by_note on booking (note)")
        session.execute("vacuum analyze booking")
    with cluster.standby() as running:
        yield running


def read_there(standby: Standby, database: str, times: int) -> None:
    """Scans of the index by_vendor on the replica, counted before this returns."""
    with standby.connect(database) as session:
        for _ in range(times):
            session.execute("select count(*) from booking where vendor = 7")
        session.execute("select pg_stat_force_next_flush()")
        session.execute("select 1")


def test_an_index_that_only_the_replica_uses_is_used(tuner: Tuner, standby: Standby) -> None:
    used = """select replica_scans_window, replica_scans, last_replica_scan is not null, efficiency_ratio
              from wedding_dbopt.get_index_usage_stats('45 minutes', %s) where indexrelname = %s"""
    tuner.run("call wedding_dbopt.collect_hour(%s)", FIRST)
    assert tuner.row(used, FIRST, "by_vendor")[:3] == (None, None, False)
    tuner.run(
        "select wedding_dbopt.add_replica('reports', %s)", standby.conninfo(tuner.database, password=SECRET)
    )
    tuner.run("call wedding_dbopt.collect_hour(%s)", FIRST)
    assert tuner.row(used, FIRST, "by_vendor")[:3] == (0, 0, False)
    read_there(standby, tuner.database, 5)
    tuner.collect("2101-01-01 01:30:00Z")
    tuner.run("call wedding_dbopt.collect_hour(%s)", SECOND)
    assert tuner.row(used, SECOND, "by_vendor") == (5, 5, True, 1)
    assert tuner.row(used, SECOND, "by_note")[:3] == (0, 0, False)
    read_there(standby, tuner.database, 2)
    tuner.run("call wedding_dbopt.collect_hour(%s)", THIRD)
    assert tuner.row(used, THIRD, "by_vendor")[:2] == (2, 7)
    assert tuner.row("select name, reason, indexes_used, used_only_there from wedding_dbopt.get_replicas()") == (
        "reports", None, 1, 1)  # fmt: skip
    tables = """select s.scans from _wedding_dbopt.replica_use s where s.relid = 'booking'::regclass"""
    assert tuner.value(tables) == 7
    tuner.run("select wedding_dbopt.remove_replica('reports')")
    assert tuner.value("select count(*) from _wedding_dbopt.replica_dsn") == 0
    assert tuner.row(used, THIRD, "by_vendor")[:3] == (None, None, False)


def test_health_calls_no_index_unused_that_a_replica_uses_or_may_use(tuner: Tuner, standby: Standby) -> None:
    tuner.run(
        "insert into booking select g, g % 2000, repeat('y', 60) || g from generate_series(20001, 400000) g"
    )
    tuner.run("analyze booking")
    tuner.run(
        """insert into _wedding_dbopt.index_use
           values ('public.by_note', 0, '2099-01-01Z'), ('public.by_vendor', 0, '2099-01-01Z')"""
    )
    unused = "select object from wedding_dbopt.health(%s) where check_name = 'unused_index' order by 1"
    with standby.connect(tuner.database) as session:
        until(lambda: (session.execute("select count(*) from booking").fetchone() or [0])[0] == 400000)
    found = tuner.column(unused, THIRD)
    assert "public.by_note" in found
    tuner.run("drop index by_vendor; create index by_vendor on booking (vendor, note)")
    assert "public.by_vendor" in tuner.column(unused, THIRD)
    tuner.run("select wedding_dbopt.add_replica('reports', %s)", standby.conninfo(tuner.database))
    assert tuner.column(unused, THIRD) == []
    tuner.run("update _wedding_dbopt.replica set added_at = '2100-01-01Z'")
    with standby.connect(tuner.database) as session:
        ready = "select count(*) from pg_class where relname = 'by_vendor'"
        until(lambda: (session.execute(ready.encode()).fetchone() or [0])[0] == 1)
        session.execute("set enable_seqscan = off")
        session.execute("select count(*) from booking where vendor = 7")
        session.execute("select pg_stat_force_next_flush()")
        session.execute("select 1")
    tuner.run("call wedding_dbopt.collect_hour(%s)", SECOND)
    assert tuner.column(unused, THIRD) == ["public.by_note"]


def test_a_connection_string_is_shown_to_nobody(cluster: Cluster, tuner: Tuner, role: str) -> None:
    dsn = f"host=/nowhere dbname=app user=spy password={SECRET}"
    tuner.run("select wedding_dbopt.add_replica('reports', %s)", dsn)
    tuner.run("call wedding_dbopt.collect_hour(%s)", FIRST)
    tuner.collect()
    tuner.run("select wedding_dbopt.grant_access(%s, 'operate')", role)
    with cluster.connect(tuner.database, role) as reader:
        assert reader.execute("select count(*) from _wedding_dbopt.replica_dsn").fetchone() == (0,)
        shown = str(reader.execute("select * from wedding_dbopt.get_replicas()").fetchall())
        shown += str(reader.execute("select * from wedding_dbopt.health()").fetchall())
        tables = reader.execute(
            """select c.oid::regclass::text from pg_class c
               where c.relnamespace = '_wedding_dbopt'::regnamespace and c.relkind = 'r'"""
        ).fetchall()
        for (table,) in tables:
            shown += str(reader.execute(f"select t::text from {table} t".encode()).fetchall())
        for statement in ("add_replica('x', 'host=x')", "remove_replica('reports')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"select wedding_dbopt.{statement}".encode())
    for secret in (SECRET, "/nowhere", "spy"):
        assert secret not in shown
    assert tuner.value("select reason from wedding_dbopt.get_replicas()") == (
        "the connection was refused: nothing listens there"
    )


@pytest.mark.parametrize(
    "dsn", [f"nonsense {SECRET}", f"host=x password='{SECRET}", f"passwort={SECRET}", "", " "]
)
def test_a_connection_string_that_cannot_be_read_is_refused_without_quoting_it(
    tuner: Tuner, dsn: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        tuner.run("select wedding_dbopt.add_replica('reports', %s)", dsn)
    assert refused.value.sqlstate == "22023"
    assert SECRET not in str(refused.value) + str(refused.value.diag.context)
    assert tuner.value("select count(*) from _wedding_dbopt.replica") == 0


def test_the_server_itself_is_no_replica_and_a_dead_one_does_not_stop_the_others(
    tuner: Tuner, standby: Standby
) -> None:
    tuner.run("select wedding_dbopt.add_replica('itself', %s)", tuner.cluster.conninfo(tuner.database))
    tuner.run("select wedding_dbopt.add_replica('lost', 'host=/nowhere dbname=x')")
    tuner.run("select wedding_dbopt.add_replica('reports', %s)", standby.conninfo(tuner.database))
    tuner.run("call wedding_dbopt.collect_hour(%s)", FIRST)
    assert dict(tuner.rows("select name, reason from wedding_dbopt.get_replicas()")) == {
        "itself": "the connection string leads to this server itself",
        "lost": "the connection was refused: nothing listens there",
        "reports": None,
    }
    assert tuner.value("select count(*) from _wedding_dbopt.collect_log where source like 'replica %%'") == 2
    assert (
        tuner.value(
            "select count(*) from _wedding_dbopt.collect_log where source = 'hour: replicas' and reason is null"
        )
        == 1
    )
    assert "lost" in tuner.column("select object from wedding_dbopt.health() where check_name = 'replica'")


def test_the_primary_sees_its_standby_and_the_standby_collects_nothing(
    tuner: Tuner, standby: Standby
) -> None:
    tuner.collect(FIRST)
    standbys = tuner.value("select standbys from _wedding_dbopt.system_sample where at = %s", FIRST)
    assert [(each["state"], each["lag_bytes"] >= 0) for each in standbys] == [("streaming", True)]
    with standby.connect(tuner.database) as session:
        for call in ("collect()", "collect_minute()", "collect_hour()", "maintain()", "tick()"):
            session.execute(f"call wedding_dbopt.{call}".encode())
