"""A soak: the platform's traffic and the loop at work for SOAK_SECONDS (2400), with a fault about every minute.

A round plants a table that asks for an index, lets the loop find and build it, and does harm while it is at that: the
build is held up by an open writer, so the harm always meets it. Ticks come every second or two instead of every minute,
beside those of pg_cron. After each round what was committed must still be there, and in the end no action may be stuck,
no index be left over or invalid, and no statement of a user have failed but by the harm itself. Users are the platform's
traffic, sessions that read and write the planted table all the time, and the writer that holds the build up. Each failure
of theirs counts as ours unless the harm of that moment explains it: the server was taken away just then, or the table or
column is the one that was taken. Their role has no time limit of its own, so every cancel counts.

A fault counts only when its trace was seen, and of each sort one at least must have occurred. SOAK_TABLESPACE names a
folder on a file system of some 30 MB for the disk that is full; without it that fault is left out. SOAK_COMMIT is printed.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from tests.bench.soak_faults import FAULTS, disk_full, fault_name, make_small_tablespace
from tests.cluster import Cluster
from tests.workload import drive, load

Session = psycopg.Connection[Any]
OUT = Path("build/out/soak.txt")
ROWS = 150_000
#: The application's role: what is set for our own sessions does not touch it.
USER = "soak_user"
#: What the application does with the planted table, one statement each.
USED = (
    "select count(*), sum(amount) from {table} where vendor = {vendor}",
    "update {table} set amount = amount + 1 where vendor = {vendor} and id <= 5000",
    "select count(*), sum(amount) from {table} where vendor = {vendor} + 1",
    "insert into {table} (vendor, amount, note) values ({vendor}, 1, 'new')",
)
SETTINGS = {
    "verification_min_calls": "20",
    "verification_min_window": "3 s",
    "verification_max_window": "60 s",
    "analysis_time_limit": "10 s",
    "apply_retry_delay": "2 s",
    "concurrent_lock_timeout": "15 s",
    "workload_min_history": "20 s",
    "index_storage_budget": "10",
    "long_transaction_limit": "2 minutes",
    "daily_actions": "100000",
    "daily_work_time": "1 day",
    "daily_wal": "1000",
    "daily_disk": "1000",
    "heavy_work_bytes": "2000000000",
    "tuning_interval_off_season": "1 hour",
}
#: What a user's session says when the fault itself ended it.
OUTAGE = re.compile(
    "terminating connection|server closed|the database system is|could not connect|connection to server|"
    "crash of another|Connection refused|No such file|SSL|unexpectedly"
)
KEYS = {
    "action": "id",
    "event": "id",
    "tuning_run": "id",
    "recommendation": "id",
    "verification": "(action_id, statement_id)",
    "statement_sample": "at",
    "baseline": "id",
}
_BUILDING = """
select pid from pg_stat_activity where application_name = 'wedding_dbopt executor' and state = 'active'
  and query ilike '%%index concurrently%%' and query ilike %s
"""


#: An index as a run would enqueue it. The advisor is at work too, but on a slow machine it may come late.
_ACTION = """
with run as (
  insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, state)
  values ('call', 'soak', now(), 'moderate', false, 'verifying') returning id
), served as (
  select coalesce(jsonb_agg(jsonb_build_object('statement_id', t.statement_id)), '[]') as benefits
  from _wedding_dbopt.statement_text t where t.query like %s
), idea as (
  insert into _wedding_dbopt.recommendation
    (fingerprint, run_id, kind, schema_name, table_name, object_name, sql, rollback_sql, benefits, context, criticality,
     priority, reason, status, created_at, updated_at, expires_at)
  select name, run.id, 'index_creation', 'public', relation, name,
    array[format('CREATE INDEX CONCURRENTLY %%I ON public.%%I (vendor)', name, relation)],
    array[format('DROP INDEX CONCURRENTLY public.%%I', name)], benefits,
    'booking', 'critical', 'high', 'soak', 'taken', now(), now(), now() + interval '1 day'
  from run, served, (select %s::text as relation, %s || '_vendor' as name) s returning *
)
insert into _wedding_dbopt.action
  (run_id, recommendation_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks,
   wedding_context, criticality, created_at)
select run_id, id, kind, 'approved', schema_name, table_name, object_name, reason, sql, rollback_sql, 'none',
  context, criticality, now()
from idea
"""
_ORPHANS = """
select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'i' and n.nspname = 'public' and obj_description(c.oid, 'pg_class') like 'Made by wedding_dbopt%'
  and not exists (select from _wedding_dbopt.action a
                  where a.object_name = c.relname and a.state in ('kept', 'verifying'))
"""
_MISSING = """
select a.object_name from _wedding_dbopt.action a
where a.action_type = 'index_creation' and a.state = 'kept'
  and to_regclass(format('%I.%I', a.schema_name, a.table_name)) is not null
  and to_regclass(format('%I.%I', a.schema_name, a.object_name)) is null
"""
_WRITERS = "select pid from pg_stat_activity where state = 'idle in transaction' and query like %s"


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


class Soak:
    """The cluster under soak, what was seen of it, and the harm that is done to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.over = threading.Event()
        self.users: Counter[str] = Counter()
        #: Failures of users' statements that no harm explains.
        self.user_errors: Counter[str] = Counter()
        self.ticks: Counter[str] = Counter()
        self.tick_states: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()
        self.occurred: Counter[str] = Counter()
        self.outages: list[tuple[float, float]] = []
        self.down_since: float | None = None
        #: The table that the application uses now, and the SQLSTATE that it meets once the harm took it or its column.
        self.table: str | None = None
        self.taken: dict[str, str] = {}
        self.using = threading.Lock()
        self.ended_writers: set[int] = set()
        self.outcomes: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.known: dict[str, set[str]] = {table: set() for table in KEYS}
        self.lost: list[str] = []
        self.unexpected: list[str] = []
        self.stopped_after: list[float] = []

    # ------------------------------------------------------------------ sessions

    def connect(self) -> Session:
        """A session of ours, which no harm is set for, as soon as the server takes one."""
        limit = time.monotonic() + 120
        while True:
            try:
                return self.cluster.connect(options="-c statement_timeout=0 -c default_tablespace=")
            except psycopg.OperationalError:
                if time.monotonic() > limit:
                    raise
                time.sleep(0.2)

    def do(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """A statement in a session of its own; again if an outage ended it."""
        for _ in range(5):
            try:
                with self.connect() as session:
                    cursor = session.execute(sql.encode(), values or None)
                    return list(cursor.fetchall()) if cursor.description else []
            except psycopg.OperationalError:
                time.sleep(0.5)
        raise TimeoutError(f"the server did not come back for {sql[:60]}")

    def building(self, table: str) -> int | None:
        found = self.do(_BUILDING, f"%{table}%")
        return int(found[0][0]) if found else None

    # ------------------------------------------------------------------ when the server was taken away

    @contextlib.contextmanager
    def server_away(self) -> Iterator[None]:
        """Around the harm that takes the server away: until it answers again, and a moment for what was under way."""
        self.down_since = time.monotonic()
        try:
            yield
        finally:
            self.connect().close()
            self.outages.append((self.down_since, time.monotonic() + 2))
            self.down_since = None

    def met_outage(self, since: float) -> bool:
        """Whether the server was away at some time since then."""
        return self.down_since is not None or any(ended >= since for _, ended in self.outages)

    # ------------------------------------------------------------------ what goes on meanwhile

    def send_traffic(self) -> None:
        while not self.over.is_set():
            begun = time.monotonic()
            try:
                result = drive.run(self.cluster.conninfo(user="authenticator"), "normal", 10)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                if self.met_outage(begun):
                    self.users["starts refused in an outage"] += 1
                else:
                    self.user_errors[f"traffic did not start: {error}"] += 1
                time.sleep(0.5)
                continue
            self.users["transactions done"] += result.total.done
            for context in result.contexts.values():
                for error in context.errors:
                    if OUTAGE.search(error) and self.met_outage(begun):
                        self.users["sessions ended by an outage"] += 1
                    else:
                        self.user_errors[error[-160:]] += 1

    def use_table(self) -> None:
        """The application at the planted table, nearly without a pause."""
        number = 0
        while not self.over.is_set():
            with self.using:
                if self.table is not None:
                    number += 1
                    self.use_once(self.table, number % 5000)
            time.sleep(0.05)

    def use_once(self, table: str, vendor: int) -> None:
        begun = time.monotonic()
        try:
            with self.cluster.connect(user=USER) as session:
                for text in USED:
                    begun = time.monotonic()
                    session.execute(text.format(table=table, vendor=vendor).encode())
                    self.users["statements done there"] += 1
        except psycopg.Error as error:
            state = error.sqlstate or "08006"
            if state.startswith(("08", "57P")) and self.met_outage(begun):
                self.users["sessions ended by an outage there"] += 1
            elif state == self.taken.get(table):
                self.users["refused there because the harm had taken table or column"] += 1
            else:
                self.user_errors[f"{state} on {table}: {str(error).splitlines()[0]}"] += 1

    def keep_ticking(self) -> None:
        while not self.over.is_set():
            for procedure in ("collect", "tick"):
                try:
                    with self.cluster.connect() as session:
                        session.execute(f"call wedding_dbopt.{procedure}()".encode())
                    self.ticks["done"] += 1
                except psycopg.Error as error:
                    self.ticks["ended by a fault"] += 1
                    state = error.sqlstate
                    self.tick_states[state or "08006"] += 1
                    if not (state is None or state.startswith(("57", "08", "40", "53"))):
                        self.unexpected.append(f"{procedure}: {state} {error}")
            time.sleep(1)

    # ------------------------------------------------------------------ a round

    def round(self, number: int, fault: Callable[[Soak, str], bool]) -> None:
        table = f"soak_{number}"
        self.do(f"create table {table} (id serial primary key, vendor integer, amount integer, note text)")
        rows = f"select g % 5000, g, repeat('x', 40) from generate_series(1, {ROWS}) g"
        self.do(f"insert into {table} (vendor, amount, note) {rows}")
        self.do(f"analyze {table}")
        self.do(f"grant all on {table} to {USER}; grant all on sequence {table}_id_seq to {USER}")
        self.table = table
        self.wait(
            lambda: self.do("select from _wedding_dbopt.statement_text where query like %s", f"%{table}%"), 20
        )
        holder = self.connect()
        writer, held = holder.info.backend_pid, time.monotonic()
        holder.execute(f"begin; lock table {table} in row exclusive mode".encode())
        self.do(_ACTION, f"%{table}%", table, table)
        if number % 4 == 0:
            self.do("select wedding_dbopt.optimize_database()")
        met = self.wait(lambda: self.building(table), 60)
        self.met["builds"] += met is not None
        name = fault_name(fault)
        self.tried[name] += 1
        occurred = False
        try:
            occurred = fault(self, table)
        finally:
            self.end_writer(holder, writer, table, held)
        self.occurred[name] += occurred
        say(
            f"round {number}: {name}{'' if met else ' (no build was met)'}{'' if occurred else ' did not occur'}"
        )
        self.wait(lambda: self.settled(table), 15)
        self.check()
        with self.using:
            self.table = None
        self.do(f"drop table if exists {table}")

    def end_writers(self, table: str) -> None:
        """The harm ends the writer that holds the build up."""
        pids = [pid for (pid,) in self.do(_WRITERS, f"%{table}%")]
        self.ended_writers = set(pids)
        self.do("select pg_terminate_backend(pid) from unnest(%s::integer[]) pid", pids)

    def end_writer(self, holder: Session, pid: int, table: str, held: float) -> None:
        """The writer commits, unless the harm ended it."""
        try:
            holder.execute("commit")
            self.users["writers committed"] += 1
        except psycopg.Error as error:
            if pid in self.ended_writers or self.met_outage(held):
                self.users["writers ended by the harm"] += 1
            else:
                self.user_errors[f"{error.sqlstate} of the writer of {table}: {error}"] += 1
        finally:
            holder.close()

    def settled(self, table: str) -> bool:
        found = self.do("select state from _wedding_dbopt.action where table_name = %s", table)
        return bool(found) and all(state not in ("approved", "applying", "verifying") for (state,) in found)

    def wait(self, answer: Callable[[], Any], seconds: float) -> Any:
        limit = time.monotonic() + seconds
        while not (found := answer()) and time.monotonic() < limit:
            time.sleep(0.1)
        return found

    def check(self) -> None:
        """What was committed once must still be there."""
        for table, key in KEYS.items():
            now = {str(row[0]) for row in self.do(f"select {key}::text from _wedding_dbopt.{table}")}
            self.lost += [f"{table} {gone}" for gone in sorted(self.known[table] - now)]
            self.known[table] |= now

    # ------------------------------------------------------------------ the end

    def verdict(self) -> dict[str, int]:
        """After the last fault: ticks until nothing is open, then what is left over."""
        self.wait(lambda: not self.open_actions(), 180)
        invalid = self.do("select indexrelid::regclass::text from pg_index where not indisvalid")
        orphans = self.do(_ORPHANS)
        missing = self.do(_MISSING)
        for (state,) in self.do("select state from _wedding_dbopt.action"):
            self.outcomes[state] += 1
        return {
            "rows of ours lost": len(self.lost),
            "actions stuck": len(self.open_actions()),
            "invalid indexes left": len(invalid),
            "indexes without an action": len(orphans),
            "kept actions without an index": len(missing),
            "statements of users failed by us": sum(self.user_errors.values()),
            "ticks and rounds that failed on their own": len(self.unexpected),
            "sorts of faults that never occurred": sum(not self.occurred[name] for name in self.tried),
        }

    def open_actions(self) -> list[tuple[Any, ...]]:
        return self.do(
            "select id, state, table_name from _wedding_dbopt.action where state in ('approved', 'applying', 'verifying')"
        )


def report(soak: Soak, verdict: dict[str, int], seconds: float, full: bool) -> str:
    users = soak.users
    lines = [
        f"python -m tests.bench.run soak: {seconds / 60:.0f} minutes on {os.environ.get('SOAK_COMMIT', 'unknown')}, "
        f"{sum(soak.tried.values())} faults, {soak.ticks['done']} passes and ticks done, "
        f"{soak.ticks['ended by a fault']} ended by a fault",
        "",
        *(f"  {number:6}  {what}" for what, number in verdict.items()),
        "",
        f"builds that were under way when the harm came: {soak.met['builds']} of {sum(soak.tried.values())}",
        "faults of which the trace was seen, of those tried:",
        *(f"  {soak.occurred[name]} of {number} {name}" for name, number in sorted(soak.tried.items())),
        "ticks and passes ended, by SQLSTATE: "
        + ", ".join(f"{number} x {state}" for state, number in sorted(soak.tick_states.items())),
        "actions: " + ", ".join(f"{number} {state}" for state, number in sorted(soak.outcomes.items())),
        f"users of the platform: {users['transactions done']} transactions done, "
        f"{users['sessions ended by an outage']} sessions ended by an outage, "
        f"{users['starts refused in an outage']} starts refused in one",
        f"users of the table being built on: {users['statements done there']} statements done, "
        f"{users['sessions ended by an outage there']} sessions ended or refused by an outage, "
        f"{users['refused there because the harm had taken table or column']} statements refused because the harm had "
        "taken table or column",
        f"writers that held a build up: {users['writers committed']} committed, "
        f"{users['writers ended by the harm']} ended by the harm",
        "rows checked: " + ", ".join(f"{len(keys)} of {table}" for table, keys in soak.known.items()),
    ]
    if soak.stopped_after:
        lines.append(
            f"kill switch: the build had stopped after {max(soak.stopped_after):.1f} s at most (bar 5 s)"
        )
    if not full:
        lines.append("no SOAK_TABLESPACE was given: the full disk was left out")
    lines += [f"unexpected: {text.strip()}" for text in soak.unexpected[:20]]
    lines += [f"lost: {text}" for text in soak.lost[:20]]
    lines += [f"failed: {number} x {kind}" for kind, number in soak.user_errors.items()]
    return "\n".join(lines) + "\n"


def run() -> None:
    seconds = float(os.environ.get("SOAK_SECONDS", "2400"))
    scale = float(os.environ.get("SCALE", "0.05"))
    with Cluster(max_wal_size="4GB") as cluster:
        load.load(cluster.conninfo(), scale=scale, progress=lambda line: None)
        cluster.install("test", "hypopg", "pg_cron")
        soak = Soak(cluster)
        for name, value in SETTINGS.items():
            soak.do("select wedding_dbopt.set_setting(%s, %s)", name, value)
        soak.do(f"create role {USER} login")
        full = make_small_tablespace(soak)
        soak.do("select wedding_dbopt.schedule_jobs()")
        faults = [fault for fault in FAULTS if full or fault is not disk_full]
        threads = [
            threading.Thread(target=target)
            for target in (soak.send_traffic, soak.use_table, soak.keep_ticking)
        ]
        for thread in threads:
            thread.start()
        begun = time.monotonic()
        try:
            number = 0
            while time.monotonic() - begun < seconds:
                try:
                    soak.round(number, faults[number % len(faults)])
                except (psycopg.Error, TimeoutError, OSError, RuntimeError) as error:
                    soak.unexpected.append(f"round {number}: {type(error).__name__} {error}")
                number += 1
            verdict = soak.verdict()
            soak.check()
        finally:
            soak.over.set()
            for thread in threads:
                thread.join()
        text = report(soak, verdict, time.monotonic() - begun, full)
    print(text, flush=True)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(text)
    if any(verdict.values()):
        sys.exit("the soak found what must not be")
