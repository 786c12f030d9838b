"""The extension's own connection, for what a transaction block refuses (CREATE INDEX CONCURRENTLY, ALTER SYSTEM).

It logs in over the server's unix socket as the extension's owner, or with the setting `executor_dsn`. Its statements
come only from our own rows. While one runs, the caller is asked every half second whether it should go on.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from types import TracebackType
from typing import Any

import psycopg
from psycopg import pq

from wedding_dbopt.database import Database
from wedding_dbopt.errors import ActionFailed, ExecutorUnavailable

APPLICATION_NAME = "wedding_dbopt executor"
POLL_SECONDS = 0.5
#: Polls after a cancel that was not obeyed (code may catch it) until the session is ended, which nothing can catch.
PATIENCE = 10
SESSION = "-c statement_timeout=0 -c default_transaction_read_only=off -c idle_session_timeout=0"

_TARGET = """
select current_setting('port') as port, current_database() as dbname,
       (select pg_catalog.pg_get_userbyid(extowner) from pg_catalog.pg_extension where extname = 'wedding_dbopt') as owner,
       split_part(current_setting('unix_socket_directories'), ',', 1) as socket,
       _wedding_dbopt.setting_value(coalesce($1, 'executor_dsn')) as dsn
"""


class Executor:
    """An autocommit session of the extension's owner. Raises ExecutorUnavailable when it cannot be made.

    With `console`, the name of a setting that holds a connection string, it is a session of that console instead, which
    need not know more SQL than the statements sent to it.
    """

    def __init__(self, database: Database, console: str | None = None) -> None:
        self._database = database
        target = database.query(_TARGET, ["text"], [console])[0]
        database.commit()
        if console and not target["dsn"]:
            raise ExecutorUnavailable(
                f"The setting {console} is empty", hint="Set it to the console's connection string."
            )
        parameters: dict[str, Any] = {
            "application_name": APPLICATION_NAME,
            "connect_timeout": 5,
            "client_encoding": "UTF8",
        }
        if console is None:
            parameters["options"] = SESSION
        if console is None and not target["dsn"]:
            parameters |= {name: target[name] for name in ("port", "dbname")}
            parameters |= {"host": target["socket"].strip() or "localhost", "user": target["owner"]}
        try:
            self._connection = psycopg.connect(target["dsn"] or "", autocommit=True, **parameters)
            if console is None:
                # Not at connection: the path that roles without one of their own start with is read in this session too.
                self._connection.execute(
                    "select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)"
                )
        except psycopg.Error as error:
            raise ExecutorUnavailable(
                "The extension cannot connect to its own server", detail=str(error)
            ) from error

    @property
    def pid(self) -> int:
        """Process id of the session's backend."""
        return self._connection.info.backend_pid

    def run(self, sql: str, go_on: Callable[[], bool] = lambda: True) -> str | None:
        """Run one statement; the first value of its first row as text, or None.

        When `go_on()` says no, the statement is cancelled. Raises ActionFailed with the server's SQLSTATE.
        """
        wire = self._connection.pgconn
        wire.send_query(sql.encode())
        try:
            return self._result(wire, go_on)
        except BaseException:
            if wire.transaction_status == pq.TransactionStatus.ACTIVE:
                self._connection.cancel_safe()
            raise

    def _result(self, wire: pq.abc.PGconn, go_on: Callable[[], bool]) -> str | None:
        value: str | None = None
        failure: ActionFailed | None = None
        refused = 0
        while True:
            while wire.is_busy():
                if not select.select([wire.socket], [], [], POLL_SECONDS)[0]:
                    if not go_on():
                        refused += 1
                        self._end() if refused > PATIENCE else self._connection.cancel_safe()
                    continue
                try:
                    wire.consume_input()
                except psycopg.OperationalError as error:
                    raise ActionFailed(
                        f"The connection was lost: {error}", server_sqlstate="08006"
                    ) from error
            result = wire.get_result()
            if result is None:
                break
            if result.status == pq.ExecStatus.FATAL_ERROR:
                failure = _failure(result)
            elif result.ntuples and result.nfields:
                raw = result.get_value(0, 0)
                value = raw.decode() if raw is not None else None
        if failure is not None:
            raise failure
        return value

    def _end(self) -> None:
        self._database.query("select pg_catalog.pg_terminate_backend($1)", ["integer"], [self.pid])
        self._database.commit()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _failure(result: pq.abc.PGresult) -> ActionFailed:
    def field(code: pq.DiagnosticField) -> str | None:
        raw = result.error_field(code)
        return raw.decode("utf-8", "replace") if raw else None

    return ActionFailed(
        field(pq.DiagnosticField.MESSAGE_PRIMARY) or "unknown failure",
        server_sqlstate=field(pq.DiagnosticField.SQLSTATE),
        detail=field(pq.DiagnosticField.MESSAGE_DETAIL),
        hint=field(pq.DiagnosticField.MESSAGE_HINT),
    )
