"""Use of indexes and tables on read replicas, over a connection of our own to each.

A connection string may hold a password. So no text of the driver leaves this module: it may quote the string.
"""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.abc import PQGen

from wedding_dbopt.database import Database

#: Whatever the replica does, a fetch ends: no answer, a lock, a slow query, a cut line.
LIMITS: dict[str, Any] = {
    "application_name": "wedding_dbopt replica",
    "client_encoding": "UTF8",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "options": "-c statement_timeout=5s -c lock_timeout=1s -c default_transaction_read_only=on",
}
#: Seconds for all that is asked of one replica. The limits above are kept by the kernel and by a server that still works;
#: one that was stopped, or is none, keeps a connection open and says nothing.
PATIENCE = 20
_SAME_SERVER = "select pg_catalog.pg_postmaster_start_time()::text as started"
_USE = """
select s.schemaname::text, s.indexrelname::text, coalesce(s.idx_scan, 0), coalesce(s.idx_tup_read, 0)
from pg_catalog.pg_stat_user_indexes s
union all
select s.schemaname::text, s.relname::text, coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0),
       coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0)
from pg_catalog.pg_stat_user_tables s
"""
#: What the driver's messages say, in words that quote nothing of the connection string.
_REASONS = (
    ("timeout expired while it was read", f"it did not answer within {PATIENCE} seconds"),
    ("timeout expired", "no connection within 5 seconds"),
    ("Connection refused", "the connection was refused: nothing listens there"),
    ("No such file or directory", "the connection was refused: nothing listens there"),
    ("password", "the password was not accepted"),
    ("pg_hba.conf", "the replica's pg_hba.conf does not allow the connection"),
    ("translate host name", "its host name is not known"),
    ("does not exist", "its role or database does not exist"),
    ("starting up", "it is starting up"),
    ("too many clients", "it has no free connection"),
)


def is_dsn(dsn: str) -> bool:
    """Whether libpq can read the connection string, and anything is in it."""
    try:
        return bool(conninfo.conninfo_to_dict(dsn))
    except psycopg.Error:
        return False


def fetch(database: Database, at: str) -> int:
    """Fetch from every replica; how many answered. One that does not is noted with the reason."""
    started = database.query(_SAME_SERVER)[0]["started"]
    answered = 0
    for row in database.query("select name, dsn from _wedding_dbopt.replica_dsn order by name"):
        try:
            use = _use(row["dsn"], started)
        except psycopg.Error as error:
            _note(database, row["name"], at, _reason(error))
        except _ItselfError:
            _note(database, row["name"], at, "the connection string leads to this server itself")
        else:
            with database.subtransaction():
                database.query(
                    "select _wedding_dbopt.store_replica_use($1, $2, $3)",
                    ["text", "timestamptz", "jsonb"],
                    [row["name"], at, json.dumps(use)],
                )
            answered += 1
    return answered


class _ItselfError(Exception):
    """The replica is the server that asks."""


class _Impatient(psycopg.Connection[Any]):
    """A connection whose waits end when the time for all of them is over."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._end = time.monotonic() + PATIENCE
        super().__init__(*arguments, **options)

    def wait(self, gen: PQGen[Any], *arguments: Any, **options: Any) -> Any:
        return super().wait(self._limited(gen), *arguments, **options)

    def _limited(self, gen: PQGen[Any]) -> PQGen[Any]:
        ready = None
        while True:
            try:
                wanted = gen.send(ready)  # type: ignore[arg-type]
            except StopIteration as done:
                return done.value
            ready = yield wanted
            if time.monotonic() > self._end:
                raise psycopg.OperationalError("timeout expired while it was read")


def _use(dsn: str, started: str) -> list[dict[str, Any]]:
    with _Impatient.connect(dsn, autocommit=True, **LIMITS) as replica:
        replica.execute("select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)")
        there = replica.execute(_SAME_SERVER.encode()).fetchone()
        if there is not None and there[0] == started:
            raise _ItselfError
        return [
            {"schema": schema, "name": name, "scans": scans, "tuples": tuples}
            for schema, name, scans, tuples in replica.execute(_USE.encode()).fetchall()
        ]


def _reason(error: psycopg.Error) -> str:
    for sign, reason in _REASONS:
        if sign in str(error):
            return reason
    return f"it could not be read (SQLSTATE {error.sqlstate})" if error.sqlstate else "no connection"


def _note(database: Database, name: str, at: str, reason: str) -> None:
    database.query(
        "update _wedding_dbopt.replica set failed_at = $2, reason = $3 where name = $1",
        ["text", "timestamptz", "text"],
        [name, at, reason],
    )
