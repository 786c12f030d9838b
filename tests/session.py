"""The database port over a test's connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row


class Session:
    """What the package asks of a database, answered by psycopg."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        cursor = psycopg.RawCursor(self._connection, row_factory=dict_row)
        cursor.execute(sql, list(values))
        return cursor.fetchall()

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        with self._connection.transaction(force_rollback=True):
            yield

    @contextmanager
    def subtransaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        yield

    def commit(self) -> None:
        self._connection.commit()
