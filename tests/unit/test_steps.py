"""Which statements may wait for their locks, and which hold what they have while they wait for more."""

from __future__ import annotations

import pytest
from wedding_dbopt.tuning.steps import is_brief, is_patient


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
