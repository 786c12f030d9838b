"""The port to PostgreSQL. Only this module, `tuning/executor.py`, `replicas.py` and `pooler.py` know plpy or psycopg.

Everything else takes a `Database` argument, so it runs in pytest without a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

Row = dict[str, Any]


class DatabaseError(Exception):
    """An error the server raised for one of our own statements, seen through the port."""

    def __init__(self, message: str, sqlstate: str | None = None, detail: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.detail = detail


class Database(Protocol):
    """What the package needs of a PostgreSQL session."""

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        """Run one of our own statements with `$1`-parameters and return its rows (empty for DML)."""

    def rolled_back(self) -> AbstractContextManager[None]:
        """A context in a subtransaction that is always rolled back; errors of the server leave as DatabaseError."""

    def subtransaction(self) -> AbstractContextManager[None]:
        """A context in a subtransaction that is kept unless an error leaves it."""

    def commit(self) -> None:
        """End the transaction; only inside a procedure."""


class SpiDatabase:
    """The adapter over PL/Python's server programming interface."""

    def __init__(self, plpy: Any) -> None:
        self._plpy = plpy

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        try:
            if types:
                result = self._plpy.execute(self._plpy.prepare(sql, list(types)), list(values))
            else:
                result = self._plpy.execute(sql)
        except self._plpy.SPIError as error:
            raise self._translated(error) from error
        return [dict(row) for row in result]

    @contextmanager
    def subtransaction(self) -> Iterator[None]:
        try:
            with self._plpy.subtransaction():
                yield
        except self._plpy.SPIError as error:
            raise self._translated(error) from error

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        subtransaction = self._plpy.subtransaction()
        subtransaction.__enter__()
        try:
            yield
        except self._plpy.SPIError as error:
            raise self._translated(error) from error
        finally:
            subtransaction.__exit__(DatabaseError, None, None)

    def commit(self) -> None:
        self._plpy.commit()

    def _translated(self, error: Any) -> DatabaseError:
        return DatabaseError(str(error), getattr(error, "sqlstate", None), getattr(error, "detail", None))
