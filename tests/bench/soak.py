"""A soak: the platform's traffic and the loop at work for SOAK_SECONDS (2400), with a fault about every minute.

A round plants a table that asks for an index, lets the loop find and build it, and does harm while it is at that: the
build is held up by an open writer, so the harm always meets it. Ticks come every second or two instead of every minute,
beside those of pg_cron. After each round what was committed must still be there, and in the end no action may be stuck,
no index be left over or invalid, and no statement of a user have failed but by the harm itself.

SOAK_TABLESPACE names a folder on a file system of some 30 MB for the disk that is full; without it that fault is left out.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.cluster import Cluster
from tests.workload import drive, load

Session = psycopg.Connection[Any]
OUT = Path("build/out/soak.txt")
ROWS = 150_000
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
_WRITER_ENDED = """
select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and query like %s
"""
_CREATING = """
select pid from pg_stat_activity where application_name = 'wedding_dbopt executor' and state = 'active'
  and query ilike 'create index concurrently%%' and query ilike %s
"""
_DISK_FULL = """
select 1 from _wedding_dbopt.action where table_name = %s and error_sqlstate = '53100'
"""
_TICKS_ENDED = """
select pg_terminate_backend(pid) from pg_stat_activity
where query like 'call wedding_dbopt.tick%' and pid <> pg_backend_pid()
"""


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


class Soak:
    """The cluster under soak, what was seen of it, and the harm that is done to it."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.over = threading.Event()
        self.users: Counter[str] = Counter()
        self.user_errors: Counter[str] = Counter()
        self.ticks: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.met: Counter[str] = Counter()
        self.known: dict[str, set[str]] = {table: set() for table in KEYS}
        self.lost: list[str] = []
        self.unexpected: list[str] = []
        self.stopped_after: list[float] = []

    # ------------------------------------------------------------------ sessions

    def connect(self) -> Session:
        """A session as soon as the server takes one."""
        limit = time.monotonic() + 120
        while True:
            try:
                return self.cluster.connect()
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

    # ------------------------------------------------------------------ what goes on meanwhile

    def send_traffic(self) -> None:
        while not self.over.is_set():
            try:
                result = drive.run(self.cluster.conninfo(user="authenticator"), "normal", 10)
            except (
                RuntimeError,
                subprocess.CalledProcessError,
            ) as error:  # the server was away when it began
                self.users["starts refused in an outage"] += 1
                if not OUTAGE.search(str(error)) and "psql" not in str(error):
                    self.unexpected.append(f"traffic: {error}")
                time.sleep(0.5)
                continue
            self.users["transactions done"] += result.total.done
            for context in result.contexts.values():
                for error in context.errors:
                    kind = "by an outage" if OUTAGE.search(error) else error[-160:]
                    self.user_errors[kind] += 1

    def keep_ticking(self) -> None:
        while not self.over.is_set():
            for procedure in ("collect", "tick"):
                try:
                    with self.connect() as session:
                        session.execute(f"call wedding_dbopt.{procedure}()".encode())
                    self.ticks["done"] += 1
                except psycopg.Error as error:
                    self.ticks["ended by a fault"] += 1
                    state = error.sqlstate
                    if not (state is None or state.startswith(("57", "08", "40", "53"))):
                        self.unexpected.append(f"{procedure}: {state} {error}")
            time.sleep(1)

    # ------------------------------------------------------------------ a round

    def round(self, number: int, fault: Callable[[Soak, str], None]) -> None:
        table = f"soak_{number}"
        self.do(f"create table {table} (id serial primary key, vendor integer, amount integer, note text)")
        rows = f"select g % 5000, g, repeat('x', 40) from generate_series(1, {ROWS}) g"
        self.do(f"insert into {table} (vendor, amount, note) {rows}")
        self.do(f"analyze {table}")
        self.ask(table)
        self.wait(
            lambda: self.do("select from _wedding_dbopt.statement_text where query like %s", f"%{table}%"), 20
        )
        holder = self.connect()
        holder.execute(f"begin; lock table {table} in row exclusive mode".encode())
        self.do(_ACTION, f"%{table}%", table, table)
        if number % 4 == 0:
            self.do("select wedding_dbopt.optimize_database()")
        met = self.wait(lambda: self.building(table), 60)
        self.met["builds"] += met is not None
        name = getattr(fault, "__name__", "fault").replace("_", " ")
        say(f"round {number}: {name}{'' if met else ' (no build was met)'}")
        try:
            fault(self, table)
        finally:
            with contextlib.suppress(psycopg.Error):
                holder.close()
        self.faults[name] += 1
        asking = time.monotonic()
        while time.monotonic() - asking < 15 and not self.settled(table):
            self.ask(table)
            time.sleep(1)
        self.check()
        self.do(f"drop table if exists {table}")

    def ask(self, table: str) -> None:
        """The application's statement on the planted table; it fails when the fault took table, column or server away."""
        try:
            with self.connect() as session:
                for vendor in range(40):
                    session.execute(
                        f"select count(*), sum(amount) from {table} where vendor = {vendor}".encode()
                    )
        except psycopg.Error:
            pass

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
            "statements of users failed by us": sum(
                number for kind, number in self.user_errors.items() if kind != "by an outage"
            ),
            "ticks that failed on their own": len(self.unexpected),
        }

    def open_actions(self) -> list[tuple[Any, ...]]:
        return self.do(
            "select id, state, table_name from _wedding_dbopt.action where state in ('approved', 'applying', 'verifying')"
        )


# ---------------------------------------------------------------------- the harm


def backend_killed(soak: Soak, table: str) -> None:
    """kill -9 of the session that builds: the server restarts all of them."""
    pid = soak.building(table)
    if pid:
        os.kill(pid, signal.SIGKILL)
        time.sleep(1)


def build_terminated(soak: Soak, table: str) -> None:
    pid = soak.building(table)
    if pid:
        soak.do("select pg_terminate_backend(%s)", pid)


def tick_terminated(soak: Soak, table: str) -> None:
    soak.do(_TICKS_ENDED)


def server_restarted(soak: Soak, table: str) -> None:
    soak.cluster.restart(signal.SIGINT)


def server_killed(soak: Soak, table: str) -> None:
    soak.cluster.restart(signal.SIGKILL)


def disk_full(soak: Soak, table: str) -> None:
    """The build's index goes to a tablespace that has no room; the one that is held up is given up first."""
    soak.do("alter role postgres set default_tablespace = 'small'")
    soak.do("select pg_terminate_backend(%s)", soak.building(table) or 0)
    soak.do(_WRITER_ENDED, f"%{table}%")
    if soak.wait(lambda: soak.do(_DISK_FULL, table), 30):
        soak.met["full disks"] += 1
    soak.do("alter role postgres reset default_tablespace")


def statement_timeout(soak: Soak, table: str) -> None:
    """Every session of ours that begins now has an eighth of a second for each statement."""
    soak.do("alter role postgres set statement_timeout = '125ms'")
    time.sleep(6)
    with soak.cluster.connect(options="-c statement_timeout=0") as session:
        session.execute("alter role postgres reset statement_timeout")


def table_dropped(soak: Soak, table: str) -> None:
    """Whoever drops it has to wait for the writer and the build."""
    soak.do(_WRITER_ENDED, f"%{table}%")
    soak.do(f"drop table {table}")


def column_renamed(soak: Soak, table: str) -> None:
    soak.do(_WRITER_ENDED, f"%{table}%")
    soak.do(f"alter table {table} rename vendor to supplier")


def idle_in_transaction(soak: Soak, table: str) -> None:
    """The writer stays, longer than the build is allowed to wait."""
    time.sleep(20)


def kill_switch(soak: Soak, table: str) -> None:
    soak.do("select wedding_dbopt.pause()")
    begun = time.monotonic()
    # Taking the half-built index away waits for the writer too, and blocks nobody.
    soak.wait(lambda: not soak.do(_CREATING, f"%{table}%"), 15)
    soak.stopped_after.append(time.monotonic() - begun)
    time.sleep(2)
    soak.do("select wedding_dbopt.resume()")


FAULTS = (
    build_terminated,
    kill_switch,
    backend_killed,
    idle_in_transaction,
    table_dropped,
    server_restarted,
    statement_timeout,
    column_renamed,
    disk_full,
    tick_terminated,
    server_killed,
)


def make_small_tablespace(soak: Soak) -> bool:
    """A tablespace whose disk is nearly full."""
    folder = os.environ.get("SOAK_TABLESPACE")
    if not folder:
        return False
    soak.do(f"create tablespace small location '{folder}'")
    room = os.statvfs(folder)
    wanted = room.f_bavail * room.f_frsize - 2 * 2**20
    soak.do("create table public.soak_fill (filling text) tablespace small")
    soak.do("alter table public.soak_fill alter filling set storage external")
    soak.do(
        f"insert into soak_fill select repeat('x', 7000) from generate_series(1, {max(wanted // 8192, 0)})"
    )
    return True


def report(soak: Soak, verdict: dict[str, int], seconds: float, full: bool) -> str:
    lines = [
        f"python -m tests.bench.run soak: {seconds / 60:.0f} minutes, {sum(soak.faults.values())} faults, "
        f"{soak.ticks['done']} passes and ticks done, {soak.ticks['ended by a fault']} ended by a fault",
        "",
        *(f"  {number:6}  {what}" for what, number in verdict.items()),
        "",
        "harm met "
        + ", ".join(f"{number} {what}" for what, number in sorted(soak.met.items()))
        + " under way",
        "faults: " + ", ".join(f"{number} x {name}" for name, number in sorted(soak.faults.items())),
        "actions: " + ", ".join(f"{number} {state}" for state, number in sorted(soak.outcomes.items())),
        f"users: {soak.users['transactions done']} transactions done, "
        f"{soak.user_errors['by an outage']} sessions ended by an outage, "
        f"{soak.users['starts refused in an outage']} starts refused in one",
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
    lines += [
        f"failed: {number} x {kind}" for kind, number in soak.user_errors.items() if kind != "by an outage"
    ]
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
        full = make_small_tablespace(soak)
        soak.do("select wedding_dbopt.schedule_jobs()")
        faults = [fault for fault in FAULTS if full or fault is not disk_full]
        threads = [threading.Thread(target=target) for target in (soak.send_traffic, soak.keep_ticking)]
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
