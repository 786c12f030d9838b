"""Steps of the executor that die after any of their writes, in this process and at once.

To the server a dead session is one whose transaction is rolled back and whose locks are gone. So the state machine runs here,
over a session of psycopg, and that session is closed after its nth write: a commit that wrote something, or a statement of
the executor. Real deaths, of processes and of the server, are in test_crash.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row
from wedding_dbopt.database import Row
from wedding_dbopt.tuning import run, steps
from wedding_dbopt.tuning.executor import Executor
from wedding_dbopt.tuning.processing import process_actions

from tests.cluster import Cluster

_PARAMETER = re.compile(r"\$(\d+)")


class Died(BaseException):
    """The process is gone; no code of the state machine may catch it."""


class Session:
    """The port to the server, as in PL/Python, that dies after `last` writes (None: never)."""

    def __init__(self, cluster: Cluster, database: str, last: int | None) -> None:
        self._connection = psycopg.connect(
            cluster.conninfo(database), cursor_factory=psycopg.RawCursor, row_factory=dict_row
        )  # type: ignore[arg-type]
        self._connection.execute("set search_path = pg_catalog, pg_temp")
        self._connection.commit()
        self._last = last
        self.writes = 0

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        self._alive()
        typed = _PARAMETER.sub(lambda found: f"(${found[1]}::{types[int(found[1]) - 1]})", sql)
        cursor = self._connection.execute(typed.encode(), list(values) or None)
        return list(cursor.fetchall()) if cursor.description else []  # type: ignore[arg-type]

    def commit(self) -> None:
        wrote = self.query("select pg_current_xact_id_if_assigned() is not null as wrote")[0]["wrote"]
        self._connection.commit()
        if wrote:
            self.wrote()

    def wrote(self) -> None:
        self.writes += 1
        if self.writes == self._last:
            self._connection.close()
            raise Died

    def close(self) -> None:
        self._connection.close()

    def _alive(self) -> None:
        if self._connection.closed:
            raise Died

    @contextmanager
    def subtransaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        with self._connection.transaction(force_rollback=True):
            yield


class DyingExecutor(Executor):
    """The executor whose statements count as writes of the session that asked for them."""

    def run(self, sql: str, *arguments: Any) -> str | None:
        value = super().run(sql, *arguments)
        if not sql.startswith("set lock_timeout"):
            self._database.wrote()  # type: ignore[attr-defined]
        return value


def step(cluster: Cluster, database: str, last: int | None = None) -> bool:
    """One step of the executor; whether it died."""
    return dies(cluster, database, last, lambda session: process_actions(session, None))  # type: ignore[arg-type]


def dies(cluster: Cluster, database: str, last: int | None, work: Callable[[Any], None]) -> bool:
    """Some work in a session that dies after `last` writes; whether it died."""
    session = Session(cluster, database, last)
    steps.Executor = DyingExecutor  # type: ignore[misc]
    run.Executor = DyingExecutor  # type: ignore[misc]
    try:
        work(session)
        session.commit()
        return False
    except Died:
        return True
    finally:
        steps.Executor = Executor  # type: ignore[misc]
        run.Executor = Executor  # type: ignore[misc]
        session.close()
