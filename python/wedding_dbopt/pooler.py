"""PgBouncer's admin console: what its pools do and how large they may be. Setting is done by the executor.

The connection string may hold a password. So no text of the driver leaves this module: it may quote the string.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import psycopg
from psycopg import pq

from wedding_dbopt.database import Database
from wedding_dbopt.errors import ExecutorUnavailable
from wedding_dbopt.settings.pool_size import Pooler

#: The setting that holds the console's connection string.
SETTING = "pgbouncer_dsn"
LIMITS: dict[str, Any] = {
    "application_name": "wedding_dbopt",
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
_HERE = "select current_database() as database, current_setting('port') as port"


class Console:
    """A session of the console, which knows SHOW and SET and the simple protocol only. Raises ExecutorUnavailable."""

    def __init__(self, dsn: str) -> None:
        try:
            self._connection = psycopg.connect(dsn, autocommit=True, **LIMITS)
        except psycopg.Error:
            raise ExecutorUnavailable(
                "PgBouncer's console cannot be reached",
                hint=f"The setting {SETTING} needs a connection to the database pgbouncer as an admin user.",
            ) from None

    def show(self, what: str) -> list[dict[str, str]]:
        """The rows of SHOW; a value that is not there is an empty text."""
        result = self._connection.pgconn.exec_(f"SHOW {what}".encode())
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise ExecutorUnavailable(
                f"PgBouncer's console does not answer SHOW {what}",
                hint="Its user needs to be among admin_users.",
            )
        names = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
        return [
            {
                name: (result.get_value(row, place) or b"").decode("utf-8", "replace")
                for place, name in enumerate(names)
            }
            for row in range(result.ntuples)
        ]

    def value(self, name: str) -> str | None:
        """A parameter's value now, None when there is no such parameter."""
        return next((row["value"] for row in self.show("CONFIG") if row["key"] == name), None)

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


def console(database: Database) -> Console | None:
    """A session of the console, None when there is no pooler in the settings."""
    dsn = database.query("select _wedding_dbopt.setting_value($1) as dsn", ["text"], [SETTING])[0]["dsn"]
    return Console(str(dsn)) if dsn else None


def pooler(database: Database) -> Pooler | None:
    """The pools in front of this database; None without a pooler, or where a size of their own stands above the default."""
    session = console(database)
    if session is None:
        return None
    here = database.query(_HERE)[0]
    with session:
        default = int(session.value("default_pool_size") or 0)
        served = {
            row["name"]
            for row in session.show("DATABASES")
            if row["database"] == here["database"] and row["port"] == here["port"]
        }
        if not served:
            return None
        if any(int(r["pool_size"]) != default for r in session.show("DATABASES") if r["name"] in served):
            return None
        pools = [row for row in session.show("POOLS") if row["database"] in served]
        waits = [row for row in session.show("STATS") if row["database"] in served]
        return Pooler(
            default_pool_size=default,
            max_db_connections=int(session.value("max_db_connections") or 0),
            pools=max(len(pools), 1),
            active=sum(int(row["sv_active"]) for row in pools),
            waiting=sum(int(row["cl_waiting"]) for row in pools),
            longest_wait_s=max(
                [
                    0.0,
                    *(int(row["maxwait"]) + int(row.get("maxwait_us") or 0) / 1e6 for row in pools),
                    *(int(row.get("avg_wait_time") or 0) / 1e6 for row in waits),
                ]
            ),
        )
