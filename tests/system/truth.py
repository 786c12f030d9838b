"""Known calls through the real pg_stat_statements, and what the collector has stored of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg

from tests.cluster import Cluster
from tests.system.tuner import until

Session = psycopg.Connection[Any]

#: The passes are a minute apart from here on, however fast the test runs.
BEGIN = datetime(2025, 5, 1, tzinfo=timezone.utc)
#: So few entries that other statements drive one out.
FEW_ENTRIES = 100
#: From here on the server says since when an entry counts.
EXACT_SINCE = 170000
_STORED = """
select coalesce(sum(d.calls), 0)::integer
from _wedding_dbopt.statement_delta(%(since)s, %(until)s) d
join _wedding_dbopt.statement_text t using (statement_id) where strpos(t.query, %(probe)s) > 0
"""


def truthful_cluster() -> Cluster:
    """A cluster with room for few statements, in which quiet_reset() resets an entry out of pg_stat_statements' sight."""
    cluster = Cluster(("pg_stat_statements",), **{"pg_stat_statements.max": str(FEW_ENTRIES)})
    cluster.install()
    with cluster.connect() as session:
        session.execute(
            "create function quiet_reset(bigint) returns void language sql as "
            "$$ select pg_stat_statements_reset(0, 0, $1) $$"
        )
    return cluster


class Ledger:
    """One statement that is run a known number of times between passes of the collector."""

    def __init__(self, cluster: Cluster, database: str = "test") -> None:
        self.cluster = cluster
        self.database = database
        self.minute = 0.0
        self.number = 0
        self.connect()
        row = self.session.execute("select min(at) from _wedding_dbopt.statement_sample").fetchone()
        assert row == (None,), "the database has passes already"

    def connect(self) -> None:
        """Open the sessions, again after a restart."""
        self.session = self.cluster.connect(self.database)
        self.application = self.cluster.connect(self.database)

    def close(self) -> None:
        self.session.close()
        self.application.close()

    def value(self, query: str, *values: object) -> Any:
        row = self.session.execute(query.encode(), values or None).fetchone()
        return None if row is None else row[0]

    @property
    def exact(self) -> bool:
        return self.session.info.server_version >= EXACT_SINCE

    # ------------------------------------------------------------------ the statement

    def next_statement(self) -> None:
        """A statement nobody has run yet, and no other one that needs room."""
        self.number += 1
        self.session.execute("select pg_stat_statements_reset()")
        self.session.execute(
            f"create table {self.probe} as select g as id from generate_series(1, 100) g".encode()
        )

    @property
    def probe(self) -> str:
        return f"probe_{self.number}_of_truth"

    def run(self, calls: int) -> None:
        for _ in range(calls):
            self.application.execute(f"select id from {self.probe} where id < 50".encode())

    def queryid(self) -> int:
        query = "select queryid from pg_stat_statements where query like %s"
        return int(self.value(query, f"select id from {self.probe} %"))

    # ------------------------------------------------------------------ what happens to its entry

    def reset_entry(self) -> None:
        self.session.execute("select pg_stat_statements_reset(0, 0, %s)", [self.queryid()])

    def reset_entry_quietly(self) -> None:
        self.session.execute("select quiet_reset(%s)", [self.queryid()])

    def reset_all(self) -> None:
        self.session.execute("select pg_stat_statements_reset()")

    def evict(self) -> None:
        """Other statements, each run more often, need the room."""
        before = self.value("select dealloc from pg_stat_statements_info")
        for width in range(1, FEW_ENTRIES + 50):
            columns = ", ".join(["1"] * width)
            self.session.execute(f"select {columns};".encode() * 20)
        assert self.value("select dealloc from pg_stat_statements_info") > before
        assert (
            self.value("select count(*) from pg_stat_statements where strpos(query, %s) > 0", self.probe) == 0
        )

    def restart(self) -> None:
        self._restart(signal.SIGINT)

    def stop_at_once(self) -> None:
        """pg_stat_statements survives an immediate stop, unlogged tables do not."""
        self._restart(signal.SIGQUIT)

    def crash(self) -> None:
        self._restart(signal.SIGKILL)

    def _restart(self, stop: signal.Signals) -> None:
        self.close()
        self.cluster.restart(stop)
        self.connect()

    def kill_a_backend(self) -> None:
        """The server takes all its sessions down and begins anew; what it held in memory is lost."""
        os.kill(self.application.info.backend_pid, signal.SIGKILL)

        def ended() -> bool:
            try:
                self.session.execute("select 1")
            except psycopg.OperationalError:
                return True
            return False

        until(ended)

        def connected() -> bool:
            try:
                self.connect()
            except psycopg.OperationalError:
                return False
            return True

        until(connected)

    # ------------------------------------------------------------------ passes

    def collect(self) -> None:
        self.minute += 1
        self.session.execute("call wedding_dbopt.collect(%s)", [self.at()])
        assert (
            self.value(
                "select count(*) from _wedding_dbopt.collect_log where sqlstate is not null and source = 'statements'"
            )
            == 0
        )

    def at(self, passes_ago: int = 0) -> datetime:
        """When the latest pass was, or an earlier one."""
        return BEGIN + timedelta(minutes=self.minute - passes_ago)

    def stored(self) -> int:
        """Calls of the statement in the latest pass."""
        row = self.session.execute(
            _STORED,
            {"since": self.at() - timedelta(microseconds=1), "until": self.at(), "probe": self.probe},
        ).fetchone()
        assert row is not None
        return int(row[0])

    def complete(self) -> bool:
        return bool(
            self.value("select complete from _wedding_dbopt.statement_sample where at = %s", self.at())
        )


@dataclass(frozen=True)
class Case:
    """`before` calls, a pass, `between` calls, an event, `after` calls, a pass: `seen` is what pg_stat_statements can tell."""

    before: int
    between: int
    event: Callable[[Ledger], None] | None
    after: int
    seen: int


CASES = {
    "plain": Case(100, 50, None, 0, 50),
    "nothing ran": Case(100, 0, None, 0, 0),
    "entry reset, then fewer calls": Case(100, 50, Ledger.reset_entry, 30, 30),
    "entry reset, then more calls": Case(100, 50, Ledger.reset_entry, 150, 150),
    "entry reset out of sight, then more calls": Case(100, 50, Ledger.reset_entry_quietly, 150, 150),
    "all reset, then fewer calls": Case(100, 50, Ledger.reset_all, 30, 30),
    "all reset, then more calls": Case(100, 50, Ledger.reset_all, 150, 150),
    "evicted, then fewer calls": Case(3, 2, Ledger.evict, 2, 2),
    "evicted, then more calls": Case(3, 2, Ledger.evict, 10, 10),
    "clean restart": Case(100, 50, Ledger.restart, 30, 80),
    "immediate stop": Case(100, 50, Ledger.stop_at_once, 30, 80),
    "killed backend, then fewer calls": Case(100, 50, Ledger.kill_a_backend, 30, 30),
    "killed backend, then more calls": Case(100, 50, Ledger.kill_a_backend, 150, 150),
    "crash, then more calls": Case(100, 50, Ledger.crash, 150, 150),
}
#: What needs no mark: nothing is hidden.
WHOLE = ("plain", "nothing ran", "clean restart")
#: Our own counters are lost: the next pass may be a base line.
LOST = (
    "immediate stop",
    "killed backend, then fewer calls",
    "killed backend, then more calls",
    "crash, then more calls",
)


@dataclass(frozen=True)
class Outcome:
    seen: int
    stored: int
    marked: bool

    @property
    def right(self) -> bool:
        return self.stored == self.seen


def trial(ledger: Ledger, name: str) -> Outcome:
    """One trial of a case with a statement of its own."""
    case = CASES[name]
    ledger.next_statement()
    ledger.run(case.before)
    ledger.collect()
    ledger.run(case.between)
    if case.event is not None:
        case.event(ledger)
    ledger.run(case.after)
    ledger.collect()
    return Outcome(case.seen, ledger.stored(), not ledger.complete())
