"""A real PgBouncer in front of a throw-away cluster, in a temporary folder, over a unix socket only."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from tests.cluster import Cluster

PORT = 6432


class PgBouncer:
    """Pools one database of a cluster by transactions, for postgres and for `role`; `settings` are added to its file."""

    def __init__(self, cluster: Cluster, database: str, role: str = "postgres", **settings: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.host = self._folder.name
        self._database = database
        self.file = Path(self.host) / "pgbouncer.ini"
        lines = [
            "[databases]",
            f"{database} = host={cluster.host} port={cluster.port} dbname={database}",
            "[pgbouncer]",
            f"unix_socket_dir = {self.host}",
            f"listen_port = {PORT}",
            "auth_type = trust",
            f"auth_file = {self.host}/users",
            "admin_users = postgres",
            "pool_mode = transaction",
            "ignore_startup_parameters = extra_float_digits",
            *(f"{name} = {value}" for name, value in settings.items()),
        ]
        (Path(self.host) / "users").write_text(f'"postgres" ""\n"{role}" ""\n')
        self.file.write_text("\n".join(lines) + "\n")
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/bin")
        assert program is not None, "the Debian package pgbouncer is missing: make test-packages"
        self._process = subprocess.Popen(
            [program, "-q", str(self.file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        limit = time.monotonic() + 30
        while not (Path(self.host) / f".s.PGSQL.{PORT}").exists():
            assert time.monotonic() < limit, "PgBouncer did not start"
            time.sleep(0.02)

    @property
    def console(self) -> str:
        """The connection string of the admin console."""
        return self._conninfo("pgbouncer", "postgres")

    def connect(self, user: str = "postgres") -> psycopg.Connection[Any]:
        """An autocommit session of the pooled database."""
        return psycopg.connect(self._conninfo(self._database, user), autocommit=True, prepare_threshold=None)

    def _conninfo(self, dbname: str, user: str) -> str:
        return psycopg.conninfo.make_conninfo("", host=self.host, port=PORT, dbname=dbname, user=user)

    def show(self, name: str) -> str:
        """A parameter's value now."""
        rows = self._ask("SHOW CONFIG")
        return next(value for key, value, *_ in rows if key == name)

    def command(self, command: str) -> None:
        """Tell the console something."""
        self._ask(command)

    @contextmanager
    def waiting(self, user: str, working: int, clients: int) -> Iterator[None]:
        """Sessions that hold all server connections in a transaction, and clients that wait for one."""
        with ExitStack() as stack:
            for _ in range(working):
                stack.enter_context(self.connect(user)).execute("begin; select 1")
            threads = [threading.Thread(target=self._wait, args=(user,)) for _ in range(clients)]
            for thread in threads:
                thread.start()
            limit = time.monotonic() + 30
            while not self._long_enough(clients):
                assert time.monotonic() < limit, "the clients do not wait"
                time.sleep(0.05)
            yield
        for thread in threads:
            thread.join(timeout=30)

    def _wait(self, user: str) -> None:
        with self.connect(user) as session:
            session.execute("select 1")

    def _long_enough(self, clients: int) -> bool:
        rows = self._ask("SHOW POOLS")
        return any(
            int(row[3]) >= clients and int(row[14] or 0) + 1e6 * int(row[13]) > 200_000 for row in rows
        )

    def _ask(self, command: str) -> list[tuple[str, ...]]:
        with psycopg.connect(self.console, autocommit=True) as session:
            result = session.pgconn.exec_(command.encode())
            return [
                tuple((result.get_value(row, place) or b"").decode() for place in range(result.nfields))
                for row in range(result.ntuples)
            ]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._folder.cleanup()

    def __enter__(self) -> PgBouncer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
