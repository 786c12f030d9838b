"""Plant faults in copies of the sound platform and ask findings() about them."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.cluster import Cluster, server_binary
from tests.workload.faults import Fault

SOUND = "sound"
#: What a reloaded setting needs to reach every session, and a session to be told from one that is just at work.
SETTLED_S = 0.25
#: What a sound server has that PostgreSQL does not bring; the tests open transactions that are old after a tenth of a second.
SETTINGS = {
    "fsync": "on",
    "autovacuum_naptime": "1h",
    "max_prepared_transactions": "10",
    "shared_buffers": "256MB",
}
PREPARE = """
alter system set max_slot_wal_keep_size = '10GB';
select pg_reload_conf();
create database sound;
"""
AFTER = """
set synchronous_commit = local;
select wedding_dbopt.set_setting('long_transaction_limit', '100 ms');
call wedding_dbopt.maintain();
truncate _wedding_dbopt.collect_log;
"""


def run_sql(cluster: Cluster, dbname: str, text: str) -> None:
    """As a person would: psql, statement by statement, none of them in a common transaction."""
    done = subprocess.run(
        [server_binary("psql"), "-Xq", "-v", "ON_ERROR_STOP=1"],
        env={**cluster.environment(dbname), "PGOPTIONS": "-c synchronous_commit=local -c lock_timeout=10s"},
        input=text,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"{done.stderr}\n{text}")


@contextmanager
def sound_cluster() -> Iterator[Cluster]:
    """A cluster with sound settings and checksums, and the template database of the sound platform."""
    with Cluster(checksums=True, **SETTINGS) as cluster:
        run_sql(cluster, "test", PREPARE)
        run_sql(
            cluster,
            SOUND,
            "create schema extensions; create extension pg_stat_statements schema extensions;"
            "create extension hypopg schema extensions; create extension wedding_dbopt cascade;",
        )
        run_sql(cluster, SOUND, (Path(__file__).parent / "sound.sql").read_text())
        run_sql(cluster, SOUND, "vacuum analyze")
        run_sql(cluster, SOUND, AFTER)
        yield cluster


def _hold(session: psycopg.Connection[Any], statements: Sequence[str]) -> None:
    try:
        for statement in statements:
            session.execute(statement.encode())
    except psycopg.Error:
        pass  # a remedy has ended the session


@contextmanager
def planted(cluster: Cluster, name: str, faults: Sequence[Fault]) -> Iterator[str]:
    """A copy of the sound database with these faults; gone, with its sessions, afterwards."""
    open_sessions: list[psycopg.Connection[Any]] = []
    with cluster.connect() as admin:
        admin.execute("set synchronous_commit = local")
        admin.execute(f"create database {name} template {SOUND}")
        try:
            run_sql(cluster, name, "call wedding_dbopt.collect()")
            for fault in faults:
                run_sql(cluster, name, fault.plant)
            for fault in faults:
                for statements in fault.sessions:
                    session = cluster.connect(name)
                    open_sessions.append(session)
                    threading.Thread(target=_hold, args=(session, statements), daemon=True).start()
                    time.sleep(0.2)
            yield name
        finally:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()",
                [name],
            )
            for session in open_sessions:
                session.close()
            admin.execute(f"drop database {name} with (force)")
            for fault in faults:
                run_sql(cluster, "test", fault.undo)


def findings(cluster: Cluster, dbname: str) -> dict[str, dict[str, Any]]:
    """All that findings() says, by key."""
    with cluster.connect(dbname, row_factory=psycopg.rows.dict_row) as session:
        rows = session.execute("select * from wedding_dbopt.findings()").fetchall()
    return {row["key"]: row for row in rows}


def found(fault: Fault, rows: dict[str, dict[str, Any]], dbname: str) -> str | None:
    """The key of the finding that names this fault, itself or as a symptom of its cause."""
    wanted = fault.key.replace("{database}", dbname)
    for key, row in rows.items():
        for said in (key, *row["symptoms"]):
            if said == wanted or said.startswith(f"{wanted}:pid "):
                return key
    return None


def mend(cluster: Cluster, dbname: str, rows: dict[str, dict[str, Any]]) -> list[str]:
    """Carry out every remedy, worst finding first; what could not be done comes back."""
    failed = []
    for key, row in rows.items():
        if row["remedy"]:
            try:
                run_sql(cluster, dbname, row["remedy"])
            except RuntimeError as error:
                failed.append(f"{key}: {error}")
    return failed
