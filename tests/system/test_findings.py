"""A sound database gives no finding; each planted fault is found, alone, and its remedy makes it disappear."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.workload.faults import FAULTS, Fault
from tests.workload.health_check import SETTLED_S, findings, found, mend, planted, sound_cluster


@pytest.fixture(scope="module")
def sound() -> Iterator[Cluster]:
    with sound_cluster() as running:
        yield running


def test_the_sound_platform_has_no_findings(sound: Cluster) -> None:
    with planted(sound, "faultless", []) as name:
        assert findings(sound, name) == {}


def test_an_empty_database_with_default_settings_has_no_findings() -> None:
    with Cluster(checksums=True, fsync="on") as fresh:
        fresh.install("test", "hypopg", "pg_cron")
        with fresh.connect() as session:
            session.execute("call wedding_dbopt.maintain()")
            session.execute("call wedding_dbopt.collect()")
        assert findings(fresh, "test") == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.key)
def test_a_fault_is_found_alone_and_its_remedy_mends_it(sound: Cluster, fault: Fault) -> None:
    with planted(sound, "faulty", [fault]) as name:
        time.sleep(SETTLED_S)
        rows = findings(sound, name)
        assert [found(fault, rows, name)] == list(rows)
        if fault.mends:
            assert mend(sound, name, rows) == []
            time.sleep(SETTLED_S)
            assert findings(sound, name) == {}


def test_all_faults_at_once_are_told_apart(sound: Cluster) -> None:
    with planted(sound, "faulty", FAULTS) as name:
        time.sleep(SETTLED_S)
        rows = findings(sound, name)
        assert [fault.key for fault in FAULTS if found(fault, rows, name) is None] == []
        mend(sound, name, rows)
        time.sleep(SETTLED_S)
        left = findings(sound, name)
        assert [fault.key for fault in FAULTS if fault.mends and found(fault, left, name)] == []


def test_no_check_waits_for_a_lock(sound: Cluster) -> None:
    """Every table of the platform is locked against readers; the page comes all the same, whole and at once."""
    with planted(sound, "locked", []) as name, sound.connect(name) as holder, sound.connect(name) as asker:
        holder.execute("begin")
        for (table,) in holder.execute(
            "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        ).fetchall():
            holder.execute(f"lock table {table} in access exclusive mode".encode())
        asker.execute("set statement_timeout = '5s'")
        keys = [row[0] for row in asker.execute("select kind from wedding_dbopt.findings()").fetchall()]
        assert not {"check_failed", "checks_not_run"} & set(keys)
        waited = holder.execute("select count(*) from pg_locks where not granted").fetchone()
        assert waited == (0,)
