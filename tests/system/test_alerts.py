"""Alerts end to end: real sessions through collect(), the channel, and the planted troubles of the benchmark in small."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.bench import alerts
from tests.cluster import Cluster
from tests.workload import minutes

Connection = psycopg.Connection[Any]


def open_alerts(connection: Connection) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    return {
        kind: (severity, suspect)
        for kind, severity, suspect in connection.execute(
            "select kind, severity, suspect from wedding_dbopt.get_alerts()"
        ).fetchall()
    }


def test_a_real_lock_is_announced_by_the_pass_that_sees_it(
    cluster: Cluster, connection: Connection, database: str
) -> None:
    connection.execute("create table bookings (id integer primary key); insert into bookings values (1)")
    with (
        cluster.connect(database) as listener,
        cluster.connect(database) as holder,
        cluster.connect(database) as waiter,
        ThreadPoolExecutor() as beside,
    ):
        listener.execute("listen wedding_dbopt_alert")
        holder.execute("set application_name = 'import'")
        holder.execute("begin")
        holder.execute("update bookings set id = id")
        waiter.execute("set statement_timeout = '30s'")
        pid = holder.info.backend_pid
        waited = beside.submit(waiter.execute, "update bookings set id = id")
        for _ in range(100):
            if connection.execute("select count(*) from pg_locks where not granted").fetchone() != (0,):
                break
            time.sleep(0.05)
        connection.execute("select wedding_dbopt.set_alert_rule('lock_waits', 0.5, 1)")
        time.sleep(1.2)
        connection.execute("call wedding_dbopt.collect()")
        severity, suspect = open_alerts(connection)["lock_waits"]
        assert severity == "critical"
        assert suspect[0]["pid"] == pid
        assert suspect[0]["application"] == "import"
        assert "idle in transaction" in suspect[0]["text"]
        told = [json.loads(note.payload) for note in listener.notifies(timeout=5, stop_after=1)]
        # The machine that runs this may be in a state of its own, with a disk nearly full.
        assert [(note["state"], note["severity"]) for note in told if note["kind"] == "lock_waits"] == [
            ("open", "critical")
        ]
        assert str(pid) not in json.dumps(told)
        holder.execute("rollback")
        waited.result()


def test_a_forgotten_transaction_is_named(cluster: Cluster, connection: Connection, database: str) -> None:
    connection.execute("create table guests (id integer)")
    connection.execute("select wedding_dbopt.set_alert_rule('idle_in_transaction', 1, 600)")
    with cluster.connect(database) as forgotten:
        forgotten.execute("set application_name = 'console'")
        forgotten.execute("begin")
        forgotten.execute("insert into guests values (1)")
        time.sleep(1.2)
        connection.execute("call wedding_dbopt.collect()")
        severity, suspect = open_alerts(connection)["idle_in_transaction"]
        assert severity == "warning"
        assert suspect[0]["pid"] == forgotten.info.backend_pid
        assert suspect[0]["application"] == "console"
        forgotten.execute("rollback")


def test_what_is_sent_fits_a_notification(connection: Connection) -> None:
    connection.execute("listen wedding_dbopt_alert")
    connection.execute(
        """select _wedding_dbopt.announce_alert(jsonb_populate_record(null::_wedding_dbopt.alert, jsonb_build_object(
             'id', 1, 'key', 'k', 'kind', 'cpu', 'severity', 'critical', 'object', repeat('ü', 9000), 'message',
               repeat('ü', 9000),
             'suspect', jsonb_build_array(jsonb_build_object('type', 'statement', 'text', repeat('ü', 9000))))),
               null, 'open', now())"""
    )
    (note,) = list(connection.notifies(timeout=5, stop_after=1))
    assert len(note.payload.encode()) < 8000


def test_the_tick_judges_when_no_pass_does(connection: Connection) -> None:
    connection.execute(
        "insert into _wedding_dbopt.collect_log (at, source, duration_ms) values (now() - interval '20 minutes', 'statements', 1)"
    )
    connection.execute("call wedding_dbopt.tick()")
    assert open_alerts(connection)["collection"][0] == "critical"


@pytest.fixture
def replayed(
    cluster: Cluster, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Connection, list[minutes.Statement], random.Random, Any]]:
    monkeypatch.setattr(alerts, "DAYS", 3)
    source = random.Random(7)
    statements = minutes.platform(source)
    yield connection, statements, source, alerts.quiet_week(connection, statements, source)


def test_quiet_days_are_silent_and_troubles_are_found_and_blamed(
    replayed: tuple[Connection, list[minutes.Statement], random.Random, Any],
) -> None:
    connection, statements, source, alarms = replayed
    assert sum(number for (severity, _), number in alarms.items() if severity == "critical") == 0
    assert sum(number for (severity, _), number in alarms.items() if severity == "warning") <= 3
    verdicts = alerts.fifty_troubles(connection, statements, source)
    missed = [verdict.trouble.name for verdict in verdicts if verdict.passes is None]
    wrong = [(verdict.trouble.name, verdict.text) for verdict in verdicts if not verdict.right]
    assert len(verdicts) == 50
    assert len(missed) <= 2, missed
    assert len(wrong) <= 10, wrong
    truth = alerts.attainment(connection, source)
    assert len(truth) == 5
    for context, counted, low, estimate, high in truth:
        assert low - 1e-3 <= counted <= high + 1e-3, context
        assert low <= estimate <= high, context
