"""Which statements may wait for their locks, and which hold what they have while they wait for more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wedding_dbopt.errors import ActionFailed
from wedding_dbopt.tuning import steps
from wedding_dbopt.tuning.steps import is_brief, is_patient, run_steps


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "create unique index concurrently if not exists i on t (a)",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX (VERBOSE) TABLE CONCURRENTLY t",
        "refresh materialized view concurrently v",
        "VACUUM (TRUNCATE OFF) t",
        "vacuum t",
        "analyze t",
    ],
)
def test_readers_and_writers_do_not_queue_behind_these(statement: str) -> None:
    assert is_patient(statement)
    assert not is_brief(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM FULL t",
        "VACUUM (FULL) t",
        "vacuum (verbose, full) t",
        "CREATE INDEX i ON t (a)",
        "REINDEX INDEX i",
        "REFRESH MATERIALIZED VIEW v",
        "ALTER TABLE concurrently SET (fillfactor = 90)",
        'CREATE INDEX "CONCURRENTLY" ON t (a)',
        "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE; UPDATE pg_catalog.pg_index SET indisvalid = false",
    ],
)
def test_all_others_wait_for_a_moment_only(statement: str) -> None:
    assert not is_patient(statement)


@pytest.mark.parametrize(
    ("statement", "brief"),
    [
        ("DROP INDEX IF EXISTS parent", True),
        ("ALTER INDEX parent ATTACH PARTITION part", True),
        ("ALTER POLICY p ON t USING (true)", True),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", True),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1", False),
        ("SELECT pg_prewarm('t')", False),
        ("ALTER ROLE r SET work_mem = '8MB'", False),
    ],
)
def test_a_moments_work_under_a_strong_lock_is_limited_as_a_whole(statement: str, brief: bool) -> None:
    assert is_brief(statement) is brief


class Refused:
    """A session whose statements never get their lock; it keeps what it was given and how long each try may hold others up."""

    limits: list[str] = []

    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> Refused:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def run(self, sql: str, go_on: Callable[[], bool] = lambda: True) -> None:
        if sql.startswith("set lock_timeout"):
            self.limits.append(sql)
        else:
            raise ActionFailed("no lock", server_sqlstate="55P03")


class Limits:
    """The settings: 50 ms a try, 20 s of patience."""

    def query(self, *_: Any) -> list[dict[str, Any]]:
        return [{"timeout_ms": 50, "patience_s": 20}]

    def commit(self) -> None:
        pass


def test_a_statement_that_gets_no_lock_tries_more_often_and_never_holds_others_up_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """O6."""
    clock = [0.0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock[0] += seconds + 0.05

    monkeypatch.setattr(steps, "Executor", Refused)
    monkeypatch.setattr(steps.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(steps.time, "sleep", sleep)
    Refused.limits = []
    with pytest.raises(ActionFailed):
        run_steps(Limits(), ["DROP INDEX parent"])  # type: ignore[arg-type]
    assert set(Refused.limits) == {"set lock_timeout = 50; set statement_timeout = 50"}
    assert 15 < clock[0] < 21
    early = [pause for number, pause in enumerate(pauses) if sum(pauses[: number + 1]) < 8]
    assert max(early) == 1.0
    assert max(pauses[-20:]) <= 0.25
