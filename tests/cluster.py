"""Throw-away PostgreSQL clusters for tests, benchmarks and the demo; none touches an existing server."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import psycopg
import testing.postgresql

PRELOADED = ("pg_stat_statements", "pg_cron")
SETTINGS = {
    "cron.use_background_workers": "on",
    "cron.database_name": "test",
    "pg_stat_statements.track": "top",
    "track_io_timing": "on",
    "max_connections": "100",
    "max_worker_processes": "16",
}


def server_binary(name: str) -> str:
    """Path of a program of the server that PG_CONFIG names."""
    pg_config = os.environ.get("PG_CONFIG", "pg_config")
    bindir = subprocess.run(
        [pg_config, "--bindir"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return str(Path(bindir) / name)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """A termination ends a run as Ctrl-C does, so that what was started is cleaned up."""
    raise KeyboardInterrupt


class Cluster:
    """A running server in a temporary folder, removed on close. `settings` are added to the defaults."""

    def __init__(
        self, preloaded: tuple[str, ...] = PRELOADED, checksums: bool = False, **settings: str
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _interrupt)
        wanted = {
            "shared_preload_libraries": ",".join(preloaded),
            **{
                name: value
                for name, value in SETTINGS.items()
                if "cron" not in name or "pg_cron" in preloaded
            },
            **settings,
        }
        options = " ".join(f"-c {name}={value}" for name, value in wanted.items())
        self._server = testing.postgresql.Postgresql(
            boot_timeout=60,
            initdb=server_binary("initdb"),
            postgres=server_binary("postgres"),
            initdb_args="-U postgres -A trust" + checksums * " --data-checksums",
            postgres_args=f"-h 127.0.0.1 -F {options}",
        )
        self.host = str(Path(self._server.base_dir) / "tmp")
        self.port = int(self._server.settings["port"])
        self.data_directory = Path(self._server.base_dir) / "data"

    def conninfo(self, dbname: str = "test", user: str = "postgres", **options: str) -> str:
        """A libpq connection string over the server's unix socket."""
        return psycopg.conninfo.make_conninfo(
            "", host=self.host, port=self.port, dbname=dbname, user=user, **options
        )

    def connect(
        self, dbname: str = "test", user: str = "postgres", **options: Any
    ) -> psycopg.Connection[Any]:
        """An autocommit connection."""
        return psycopg.connect(self.conninfo(dbname, user), autocommit=True, **options)

    def install(self, dbname: str = "test", *extensions: str) -> None:
        """CREATE EXTENSION wedding_dbopt and its optional companions in a database."""
        with self.connect(dbname) as connection:
            connection.execute("create extension wedding_dbopt cascade")
            for extension in extensions:
                connection.execute(f"create extension {extension}")

    def environment(self, dbname: str = "test", user: str = "postgres") -> dict[str, str]:
        """Variables with which psql, pgbench and pg_dump find this cluster."""
        return {
            **os.environ,
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGDATABASE": dbname,
            "PGUSER": user,
        }

    def restart(self, stop: signal.Signals = signal.SIGKILL) -> None:
        """Stop the server, as a crash would unless another signal is given, and start it again."""
        process = self._server.child_process
        if stop == signal.SIGKILL:  # or a session that it starts between would be missed, and hold the memory
            process.send_signal(signal.SIGSTOP)
        children = [] if process.poll() is not None else self.children()
        process.send_signal(stop)
        process.wait(timeout=60)
        while any(Path("/proc", child).exists() for child in children):  # they notice a moment later
            time.sleep(0.01)
        self._server.child_process = None
        self._server.start()

    def children(self) -> list[str]:
        """Process ids of the server's sessions and workers."""
        process = self._server.child_process
        return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()

    def limit_files(self, size: int) -> None:
        """No file may grow beyond this size until the server is started anew, as if that were all the room there is."""
        for process in (self._server.child_process.pid, *map(int, self.children())):
            allowed = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, allowed))

    def log(self) -> str:
        """What the server has said since it was started."""
        return str(self._server.read_bootlog())

    def standby(self) -> Standby:
        """A streaming replica of this cluster, which ends before it."""
        return Standby(self)

    def close(self) -> None:
        self._server.stop()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Standby:
    """A hot standby that streams from a cluster, in a temporary folder of its own, over a unix socket only."""

    def __init__(self, primary: Cluster) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._data = Path(self._folder.name) / "data"
        self.host = self._folder.name
        self._primary = primary
        self._run(
            "pg_basebackup", "-h", primary.host, "-p", str(primary.port), "-U", "postgres", "-R", "-c", "fast"
        )
        kept = ("max_connections", "max_worker_processes")
        options = " ".join(f"-c {name}={SETTINGS[name]}" for name in kept)
        self._run("pg_ctl", "-w", "-l", str(self._data / "log"), "-o",
                  f"-h '' -k {self.host} -p {primary.port} -F {options}", "start")  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [server_binary(program), "-D", str(self._data), *arguments], check=True, stdout=subprocess.DEVNULL
        )

    def conninfo(self, dbname: str = "test", user: str = "postgres", **options: str) -> str:
        return psycopg.conninfo.make_conninfo(
            "", host=self.host, port=self._primary.port, dbname=dbname, user=user, **options
        )

    def connect(
        self, dbname: str = "test", user: str = "postgres", **options: Any
    ) -> psycopg.Connection[Any]:
        """An autocommit connection."""
        return psycopg.connect(self.conninfo(dbname, user), autocommit=True, **options)

    def promote(self) -> None:
        """Make it a primary of its own."""
        self._run("pg_ctl", "-w", "promote")

    def close(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")
        self._folder.cleanup()

    def __enter__(self) -> Standby:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
