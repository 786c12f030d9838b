"""The port to PostgreSQL. Only this module, `tuning/executor.py`, `replicas.py` and `pooler.py` know plpy or psycopg.

Everything else takes a `Database` argument, so it runs in pytest without a server.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from wedding_dbopt.errors import InsideTransaction

QUERY_CANCELED = "57014"
Row = dict[str, Any]

#: The session's plans of our own statements, the last used at the end. The server takes them as those of a PL/pgSQL
#: function: it makes them anew when a name, the search_path or a policy's role means something else, and asks for
#: rights at each execution.
_MOST_KEPT = 100
_kept: OrderedDict[tuple[str, tuple[str, ...]], Any] = OrderedDict()


class DatabaseError(Exception):
    """An error the server raised for one of our own statements, seen through the port."""

    def __init__(
        self, message: str, sqlstate: str | None = None, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.detail = detail
        self.hint = hint


class TimeLimitReached(DatabaseError):
    """What ran inside `time_limit` was cancelled."""


class StatementCancelled(Exception):
    """The user, or a limit of his session, cancelled what ran: the call is to end.

    No DatabaseError, so that nobody takes it for the failure of one statement and goes on.
    """

    sqlstate = QUERY_CANCELED
    detail = hint = None


class Database(Protocol):
    """What the package needs of a PostgreSQL session."""

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        """Run one of our own statements with `$1`-parameters and return its rows (empty for DML).

        Raises DatabaseError, and StatementCancelled where somebody cancels.
        """

    def rolled_back(self) -> AbstractContextManager[None]:
        """A context in a subtransaction that is always rolled back; errors of the server leave as in `query`."""

    def subtransaction(self) -> AbstractContextManager[None]:
        """A context in a subtransaction that is kept unless an error leaves it."""

    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """A context whose statements are cancelled after this time; then TimeLimitReached leaves it.

        Raises StatementCancelled where somebody else cancels.
        """

    def commit(self) -> None:
        """End the transaction; only inside a procedure."""

    def warn(
        self, message: str, sqlstate: str | None = None, detail: str | None = None, hint: str | None = None
    ) -> None:
        """Tell the client of something that is no failure."""


class SpiDatabase:
    """The adapter over PL/Python's server programming interface."""

    def __init__(self, plpy: Any) -> None:
        self._plpy = plpy

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[Row]:
        try:
            if types:
                result = self._plpy.execute(self._prepared(sql, tuple(types)), list(values))
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

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        from wedding_dbopt.alarm import Alarm  # ctypes, which few calls need

        alarm = Alarm(seconds)
        try:
            yield
        except (DatabaseError, StatementCancelled) as error:
            if error.sqlstate == QUERY_CANCELED and alarm.due:
                raise TimeLimitReached(str(error), error.sqlstate) from error
            raise
        finally:
            alarm.stop()
            if alarm.due:
                self._forget_cancel()

    def _forget_cancel(self) -> None:
        """Meet a cancel that came too late to stop anything, so that it stops nothing of the caller's."""
        try:
            with self._plpy.subtransaction():
                self._plpy.execute("select pg_catalog.pg_sleep(0)")
        except self._plpy.SPIError as error:
            if getattr(error, "sqlstate", None) != QUERY_CANCELED:
                raise

    def commit(self) -> None:
        try:
            self._plpy.commit()
        except self._plpy.SPIError as error:
            if getattr(error, "sqlstate", None) == InsideTransaction.sqlstate:
                raise InsideTransaction from error
            raise self._translated(error) from error

    def _prepared(self, sql: str, types: tuple[str, ...]) -> Any:
        plan = _kept.pop((sql, types), None) or self._plpy.prepare(sql, list(types))
        _kept[sql, types] = plan
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
        return plan

    def warn(
        self, message: str, sqlstate: str | None = None, detail: str | None = None, hint: str | None = None
    ) -> None:
        more = {"sqlstate": sqlstate, "detail": detail, "hint": hint}
        self._plpy.warning(message, **{name: value for name, value in more.items() if value is not None})

    def _translated(self, error: Any) -> DatabaseError | StatementCancelled:
        if getattr(error, "sqlstate", None) == QUERY_CANCELED:
            return StatementCancelled(str(error))
        # What the server says of its error: number, detail, hint and more; nothing for one of Python's.
        said = getattr(error, "spidata", None) or (None, None, None)
        return DatabaseError(str(error), getattr(error, "sqlstate", None), detail=said[1], hint=said[2])
