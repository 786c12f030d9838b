"""Do the stored differences add up to the server's counters while pgbench runs and the server is restarted, reset and crowded?

A slice is some seconds of load with passes in it. In the middle of every other slice something happens; at its end the load rests
and what was stored is compared with pg_stat_statements, statement by statement. Marked intervals may hold less than what
ran, never more: that is compared with what pgbench says it ran.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.cluster import Cluster, server_binary

MINUTES = float(os.environ.get("MINUTES", "60"))
SLICE_SECONDS = float(os.environ.get("SLICE_SECONDS", "30"))
PASSES = int(os.environ.get("PASSES", "5"))
ROLES = ("host", "guest")
CLIENTS = 3
#: So few entries that other statements drive some out.
ENTRIES = 100
FIGURES = ("calls", "rows", "hit", "read", "dirtied", "wal_bytes")
SCRIPTS = {
    "point": "\\set id random(1, 10000)\nselect note from under_load where id = :id",
    "range": "\\set id random(1, 9000)\nselect count(*), max(amount) from under_load where id between :id and :id + 500",
    "change": "\\set id random(1, 10000)\nupdate under_load set amount = amount + 1 where id = :id",
    "entry": "insert into under_load (amount, note) values (1, 'new')",
}
Key = tuple[str, str]
Sums = dict[Key, tuple[int, ...]]
_LIVE = """
select r.rolname, s.query, s.calls, s.rows, s.shared_blks_hit, s.shared_blks_read, s.shared_blks_dirtied, s.wal_bytes
from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname in ('host', 'guest') and s.query like '%under_load%'
"""
_STORED = """
select r.rolname, t.query, sum(d.calls), sum(d.rows), sum(d.hit), sum(d.read), sum(d.dirtied), sum(d.wal_bytes), min(d.calls)
from _wedding_dbopt.statement_delta(%s, 'infinity') d
join _wedding_dbopt.statement s on s.id = d.statement_id join _wedding_dbopt.statement_text t using (statement_id)
join pg_roles r on r.oid = s.userid
where r.rolname in ('host', 'guest') and t.query like '%%under_load%%' group by 1, 2
"""


class Server:
    """The cluster, a session that collects, and the load."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.session = cluster.connect()
        for name, script in SCRIPTS.items():
            (folder / name).write_text(script + "\n")
        self._folder = folder

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return list(self.session.execute(query.encode(), values or None).fetchall())

    def collect(self) -> None:
        self.session.execute("call wedding_dbopt.collect()")

    def counters(self) -> Sums:
        return {(role, query): tuple(map(int, figures)) for role, query, *figures in self.ask(_LIVE)}

    def load(self) -> dict[str, subprocess.Popen[str]]:
        files = [f"--file={self._folder / name}" for name in SCRIPTS]
        program = [
            server_binary("pgbench"),
            "-n",
            "-c",
            str(CLIENTS),
            "-R",
            "60",
            "-T",
            str(round(SLICE_SECONDS)),
            *files,
        ]
        return {
            role: subprocess.Popen(
                program,
                env=self.cluster.environment(user=role),
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for role in ROLES
        }

    # ------------------------------------------------------------------ what happens

    def _restart(self, stop: signal.Signals) -> None:
        self.session.close()
        self.cluster.restart(stop)
        self.session = self.cluster.connect()

    def restart(self) -> None:
        self._restart(signal.SIGINT)

    def stop_at_once(self) -> None:
        self._restart(signal.SIGQUIT)

    def crash(self) -> None:
        self._restart(signal.SIGKILL)

    def reset_one(self) -> None:
        self.ask(
            "select pg_stat_statements_reset(userid, dbid, queryid) from pg_stat_statements"
            " where query like 'select note from under_load%' and userid = 'host'::regrole"
        )

    def reset_all(self) -> None:
        self.ask("select pg_stat_statements_reset()")

    def crowd(self) -> None:
        """Other statements, each run more often than some of the load's, need the room."""
        for width in range(1, ENTRIES + 50):
            self.session.execute(f"select {', '.join(['1'] * width)};".encode() * 20)


EVENTS: dict[str, Callable[[Server], None]] = {
    "fast restart": Server.restart,
    "reset of one statement": Server.reset_one,
    "evictions": Server.crowd,
    "immediate stop": Server.stop_at_once,
    "reset of everything": Server.reset_all,
    "crash": Server.crash,
}


@dataclass
class Tally:
    """What was found in the slices of one kind."""

    slices: int = 0
    intervals: int = 0
    marked: int = 0
    compared: int = 0
    wrong: int = 0
    counted: int = 0
    stored: int = 0
    ran: int = 0
    worst: list[str] = field(default_factory=list)


def ran(output: str, role: str) -> Counter[Key]:
    """Transactions of each script that pgbench knows of."""
    found: Counter[Key] = Counter()
    for script, number in re.findall(
        r"SQL script \d+: \S*/(\w+)\n.*?\n - (\d+) transactions", output, re.DOTALL
    ):
        found[role, script] = int(number)
    return found


def script_of(query: str) -> str:
    return {"select note": "point", "select coun": "range", "update unde": "change"}.get(query[:11], "entry")


def one_slice(server: Server, event: str | None, tally: Tally) -> None:
    """Load, passes, the event; then the comparison."""
    before = server.counters()
    (since,) = server.ask("select max(at) from _wedding_dbopt.statement_sample")[0]
    load, begun = server.load(), time.monotonic()
    for number in range(1, PASSES + 1):
        if event is not None and number == PASSES // 2 + 1:
            time.sleep(max(0.0, begun + (number - 0.5) * SLICE_SECONDS / PASSES - time.monotonic()))
            EVENTS[event](server)
        time.sleep(max(0.0, begun + number * SLICE_SECONDS / PASSES - time.monotonic()))
        server.collect()
    known: Counter[Key] = Counter()
    for role, running in load.items():
        known += ran(running.communicate()[0], role)
    server.collect()
    after = server.counters()
    rows = server.ask(_STORED, since)
    stored: Sums = {(role, query): tuple(map(int, figures[:-1])) for role, query, *figures in rows}
    marks = [
        done
        for (done,) in server.ask("select complete from _wedding_dbopt.statement_sample where at > %s", since)
    ]
    tally.slices += 1
    tally.intervals += len(marks)
    tally.marked += marks.count(False)
    tally.ran += known.total()
    tally.stored += sum(figures[0] for figures in stored.values())
    wrong = [
        f"{key}: a negative difference" for (*key, low) in ((r[0], r[1], r[-1]) for r in rows) if low < 0
    ]
    if all(marks):
        for key in after.keys() | stored.keys() | before.keys():
            old = before.get(key, (0,) * len(FIGURES))
            grown = tuple(new - then for new, then in zip(after.get(key, (0,) * len(FIGURES)), old))
            found = stored.get(key, (0,) * len(FIGURES))
            tally.compared += len(FIGURES)
            tally.counted += grown[0]
            wrong += [
                f"{key[1][:40]} {name}: {a} in the counters, {b} stored"
                for name, a, b in zip(FIGURES, grown, found)
                if a != b
            ]
    else:
        calls: Counter[Key] = Counter()
        for (role, query), figures in stored.items():
            calls[role, script_of(query)] += figures[0]
        for pair, number in calls.items():
            tally.compared += 1
            if (
                number > known[pair] + CLIENTS
            ):  # what was under way when pgbench lost its connections is not counted by it
                wrong.append(f"{pair}: {known[pair]} ran, {number} stored")
    tally.wrong += len(wrong)
    tally.worst += wrong


def run() -> None:
    settings = {"pg_stat_statements.max": str(ENTRIES), "restart_after_crash": "on"}
    with tempfile.TemporaryDirectory() as folder, Cluster(("pg_stat_statements",), **settings) as cluster:
        Path(folder).chmod(0o755)
        cluster.install()
        server = Server(cluster, Path(folder))
        server.session.execute(
            "create table under_load (id serial primary key, amount integer, note text);"
            "insert into under_load (amount, note) select g, repeat('x', 100) from generate_series(1, 10000) g;"
        )
        for role in ROLES:
            server.session.execute(
                f"create role {role} login; grant all on under_load to {role}; grant all on under_load_id_seq to {role}".encode()
            )
        server.collect()
        tallies = {name: Tally() for name in ("nothing", *EVENTS)}
        end = time.monotonic() + 60 * MINUTES
        events = itertools.cycle(EVENTS)
        for number in itertools.count():
            if time.monotonic() >= end:
                break
            event = None if number % 2 == 0 else next(events)
            one_slice(server, event, tallies[event or "nothing"])
        report(server, tallies)
        with suppress(psycopg.Error):
            server.session.close()


def report(server: Server, tallies: dict[str, Tally]) -> None:
    (version,) = server.ask("show server_version")[0]
    print(
        f"\n  PostgreSQL {version}, {MINUTES:g} minutes, {PASSES} passes in a slice of {SLICE_SECONDS:g} s and one after it"
    )
    print(
        f"  {'in the slice':24} {'slices':>6} {'intervals':>9} {'marked':>6} {'pgbench ran':>11} {'stored':>8}"
        f" {'counters grew':>13} {'compared':>8} {'wrong':>5}"
    )
    for name, tally in tallies.items():
        grew = str(tally.counted) if tally.counted else "-"
        print(
            f"  {name:24} {tally.slices:6} {tally.intervals:9} {tally.marked:6} {tally.ran:11} {tally.stored:8}"
            f" {grew:>13} {tally.compared:8} {tally.wrong:5}"
        )
        for line in tally.worst[:5]:
            print(f"    {line}")
    print(
        "  counters grew: over slices without a mark, where all must be equal; in the others no more than what ran may be stored"
    )
