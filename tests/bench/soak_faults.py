"""The harm that a soak does. Each fault returns whether it really occurred: its trace must have been seen."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from tests.bench.soak import Soak

#: Bytes that are left on the small disk; the planted table's index needs about four times as much.
ROOM = 256 * 2**10
UNDEFINED_TABLE, UNDEFINED_COLUMN = "42P01", "42703"
DISK_FULL, LOCK_NOT_AVAILABLE, QUERY_CANCELED = "53100", "55P03", "57014"

_CREATING = """
select pid from pg_stat_activity where application_name = 'wedding_dbopt executor' and state = 'active'
  and query ilike 'create index concurrently%%' and query ilike %s
"""
_FAILED_WITH = "select 1 from _wedding_dbopt.action where table_name = %s and error_sqlstate = %s"
_TICKS_ENDED = """
select pg_terminate_backend(pid) from pg_stat_activity
where query like 'call wedding_dbopt.tick%' and pid <> pg_backend_pid()
"""
_STARTED = "select pg_postmaster_start_time()::text"
_COLUMN = (
    "select 1 from pg_attribute where attrelid = to_regclass(%s) and attname = 'vendor' and not attisdropped"
)


def backend_killed(soak: Soak, table: str) -> bool:
    """kill -9 of the session that builds: the server ends all sessions and recovers."""
    pid = soak.building(table)
    if pid is None:
        return False
    with soak.connect() as witness, soak.server_away():
        os.kill(pid, signal.SIGKILL)
        return bool(soak.wait(lambda: _is_broken(witness), 30))


def _is_broken(session: psycopg.Connection[object]) -> bool:
    try:
        session.execute("select 1")
    except psycopg.OperationalError:
        return True
    return False


def build_terminated(soak: Soak, table: str) -> bool:
    pid = soak.building(table)
    if pid is None:
        return False
    soak.do("select pg_terminate_backend(%s)", pid)
    return bool(soak.wait(lambda: not soak.do("select 1 from pg_stat_activity where pid = %s", pid), 10))


def tick_terminated(soak: Soak, table: str) -> bool:
    return any(ended for (ended,) in soak.do(_TICKS_ENDED))


def server_restarted(soak: Soak, table: str) -> bool:
    return _restart(soak, signal.SIGINT)


def server_killed(soak: Soak, table: str) -> bool:
    return _restart(soak, signal.SIGKILL)


def _restart(soak: Soak, how: signal.Signals) -> bool:
    before = soak.do(_STARTED)
    with soak.server_away():
        soak.cluster.restart(how)
    return soak.do(_STARTED) != before


def disk_full(soak: Soak, table: str) -> bool:
    """The build's index goes to a tablespace that has no room; the one that is held up is given up first."""
    _leave_room(soak)
    soak.do("alter role postgres set default_tablespace = 'small'")
    soak.do("select pg_terminate_backend(%s)", soak.building(table) or 0)
    soak.end_writers(table)
    met = soak.wait(lambda: soak.do(_FAILED_WITH, table, DISK_FULL), 60)
    soak.do("alter role postgres reset default_tablespace")
    # Or a crash that follows could not be recovered from: what was logged for the last page finds no room.
    soak.do("truncate soak_fill")
    soak.do("checkpoint")
    return bool(met)


def statement_timeout(soak: Soak, table: str) -> bool:
    """Every session of ours that begins now has an eighth of a second for each statement; so the build begins anew."""
    ended = soak.tick_states[QUERY_CANCELED]
    soak.do("alter role postgres set statement_timeout = '125ms'")
    soak.do("select pg_terminate_backend(%s)", soak.building(table) or 0)
    met = soak.wait(lambda: soak.tick_states[QUERY_CANCELED] > ended, 30)
    soak.do("alter role postgres reset statement_timeout")
    return bool(met)


def table_dropped(soak: Soak, table: str) -> bool:
    """Whoever drops it has to wait for the writer and the build."""
    soak.end_writers(table)
    soak.taken[table] = UNDEFINED_TABLE
    soak.do(f"drop table {table}")
    return soak.do("select to_regclass(%s)::text", table) == [(None,)]


def column_renamed(soak: Soak, table: str) -> bool:
    soak.end_writers(table)
    soak.taken[table] = UNDEFINED_COLUMN
    soak.do(f"alter table {table} rename vendor to supplier")
    return not soak.do(_COLUMN, table)


def idle_in_transaction(soak: Soak, table: str) -> bool:
    """The writer stays, longer than the build is allowed to wait: it must give up."""
    return bool(soak.wait(lambda: soak.do(_FAILED_WITH, table, LOCK_NOT_AVAILABLE), 40))


def kill_switch(soak: Soak, table: str) -> bool:
    under_way = bool(soak.do(_CREATING, f"%{table}%"))
    soak.do("select wedding_dbopt.pause()")
    begun = time.monotonic()
    # Taking the half-built index away waits for the writer too, and blocks nobody.
    soak.wait(lambda: not soak.do(_CREATING, f"%{table}%"), 15)
    soak.stopped_after.append(time.monotonic() - begun)
    time.sleep(2)
    soak.do("select wedding_dbopt.resume()")
    return under_way


FAULTS: tuple[Callable[[Soak, str], bool], ...] = (
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


def fault_name(fault: Callable[[Soak, str], bool]) -> str:
    return getattr(fault, "__name__", "fault").replace("_", " ")


# ---------------------------------------------------------------------- the small disk


def make_small_tablespace(soak: Soak) -> bool:
    """A tablespace on the small disk, if there is one, with a table that fills it."""
    folder = os.environ.get("SOAK_TABLESPACE")
    if not folder:
        return False
    soak.do(f"create tablespace small location '{folder}'")
    soak.do("create table public.soak_fill (filling text) tablespace small")
    soak.do("alter table public.soak_fill alter filling set storage plain")
    return True


def _leave_room(soak: Soak) -> None:
    """Fill the small disk up to ROOM: rows of one page each."""
    folder = os.environ["SOAK_TABLESPACE"]
    for _ in range(5):
        disk = os.statvfs(folder)
        pages = (disk.f_bavail * disk.f_frsize - ROOM) // 8192
        if pages <= 0:
            return
        soak.do(f"insert into soak_fill select repeat('x', 7000) from generate_series(1, {pages})")
