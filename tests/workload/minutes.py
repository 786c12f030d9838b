"""Minutes of a platform as collect() stores them: what each statement did, planted as samples without running anything."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.workload.traffic import poisson

Session = psycopg.Connection[Any]

CONTEXTS = ("booking", "vendor_search", "payment", "timeline", "guest_management", "other")
OBJECTIVE_MS = {"booking": 50, "vendor_search": 100, "payment": 20, "timeline": 30, "guest_management": 100}
START = datetime(2001, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PER_CONTEXT = 6


@dataclass(frozen=True)
class Statement:
    """How a statement usually behaves: calls a minute at midday, ms per call with its variation, blocks per call."""

    queryid: int
    context: str
    rate: float
    mean: float
    variation: float
    blocks: float
    criticality: str = "high"
    new: bool = False


@dataclass(frozen=True)
class Load:
    """One statement in one pass."""

    calls: int
    ms: float
    squares: float
    hit: int
    read: int


@dataclass
class Pass:
    """What a pass finds beside the statements; the defaults are those of a quiet minute."""

    load: dict[int, Load] = field(default_factory=dict)
    total: int = 30
    active: int = 4
    applications: dict[str, int] = field(default_factory=lambda: {"web": 18, "worker": 8, "admin": 4})
    commits: int = 3000
    rollbacks: int = 5
    hit: int = 200_000
    read: int = 600
    dealloc: int = 0


def platform(source: random.Random) -> list[Statement]:
    """Each context's statements: some often, some rarely; fast enough for the objective nearly always."""
    statements = []
    for context in CONTEXTS:
        objective = OBJECTIVE_MS.get(context, 400)
        for place in range(PER_CONTEXT):
            statements.append(
                Statement(
                    queryid=1000 * (CONTEXTS.index(context) + 1) + place,
                    context=context,
                    rate=source.choice((3, 15, 40, 90, 150)),
                    mean=objective * source.uniform(0.04, 0.22),
                    variation=source.uniform(0.3, 0.7),
                    blocks=source.uniform(5, 200),
                    criticality="critical" if context in ("booking", "payment") else "high",
                )
            )
    return statements


def traffic(moment: datetime) -> float:
    """The profile of a day and a week: evenings and weekends are the couples' time, nights are quiet."""
    hour = moment.hour + moment.minute / 60
    day = (
        0.12
        + 0.88 * math.exp(-(((hour - 19.5 + 24) % 24 - 0) ** 2) / 30)
        + 0.55 * math.exp(-((hour - 12) ** 2) / 18)
    )
    return day * (1.35 if moment.weekday() >= 5 else 1.0)


def spent(
    statement: Statement,
    source: random.Random,
    level: float,
    pace: float,
    mean: float = 1.0,
    blocks: float = 1.0,
) -> Load | None:
    """Calls of a minute, overdispersed, and their time from the moments of a lognormal distribution."""
    expected = statement.rate * level * source.gammavariate(12, 1 / 12)
    calls = poisson(expected, source)
    if calls == 0:
        return None
    usual = statement.mean * pace * mean * math.exp(source.gauss(0, 0.08))
    deviation = statement.variation
    ms = calls * usual * max(0.3, 1 + deviation / math.sqrt(calls) * source.gauss(0, 1))
    squares = max(
        ms * ms / calls * 1.0001,
        calls * usual * usual * (1 + deviation**2) * max(0.5, 1 + source.gauss(0, 1) / math.sqrt(calls)),
    )
    touched = max(1, round(calls * statement.blocks * blocks))
    return Load(calls, ms, squares, touched, round(touched * 0.003))


def with_slow_call(load: Load, ms: float) -> Load:
    """One of the calls took this long."""
    rest = max(load.calls - 1, 0) / load.calls
    return replace(load, ms=rest * load.ms + ms, squares=rest * load.squares + ms * ms)


def quiet(statements: list[Statement], moment: datetime, source: random.Random) -> Pass:
    """A quiet minute: noise that all share, one minute in two hundred is half as fast, and single calls take seconds."""
    level = traffic(moment)
    pace = math.exp(source.gauss(0, 0.1)) * (source.uniform(1.4, 2.0) if source.random() < 0.005 else 1.0)
    found = Pass(
        total=30 + poisson(6 * level, source),
        active=2 + poisson(3 * level, source),
        commits=round(2500 * level) + 100,
        rollbacks=poisson(0.002 * (2500 * level + 100), source),
        hit=round(200_000 * level) + 5000,
        read=poisson(0.004 * (200_000 * level + 5000), source),
    )
    for statement in statements:
        load = spent(statement, source, level, pace)
        if load is not None:
            if source.random() < 0.0004 * load.calls**0.5:
                load = with_slow_call(load, source.uniform(300, 3000))
            found.load[statement.queryid] = load
    return found


# ------------------------------------------------------------------ planting
def know(session: Session, statements: Iterable[Statement], first_seen: datetime) -> None:
    with session.cursor() as cursor:
        cursor.executemany(
            """insert into _wedding_dbopt.statement
                 (queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality, classified_at)
               select %s, d.oid, 10, true, %s, 'select', array['public.of_' || %s], %s, %s, %s
               from pg_database d where d.datname = current_database()""",
            [(s.queryid, first_seen, s.context, s.context, s.criticality, first_seen) for s in statements],
        )


def identities(session: Session) -> dict[int, int]:
    return dict(session.execute("select queryid, id from _wedding_dbopt.statement where not own").fetchall())


def plant(session: Session, passes: Iterable[tuple[datetime, Pass]], ids: dict[int, int]) -> None:
    """The samples that collect() would have stored."""
    statements, connections, system = [], [], []
    for at, found in passes:
        order = sorted((ids[queryid], load) for queryid, load in found.load.items())
        statements.append(
            (
                at,
                at - MINUTE,
                [number for number, _ in order],
                [load.calls for _, load in order],
                [round(1000 * load.ms) for _, load in order],
                [load.squares for _, load in order],
                [load.hit for _, load in order],
                [load.read for _, load in order],
                found.dealloc,
            )
        )
        applications = ", ".join(
            f'"{name}": {{"max": {number}, "active_max": 2}}' for name, number in found.applications.items()
        )
        connections.append((at, found.total, found.active, "{" + applications + "}"))
        system.append((at, found.hit, found.read, found.commits, found.rollbacks))
    with session.cursor() as cursor:
        with cursor.copy(
            "copy _wedding_dbopt.statement_sample (at, previous_at, ids, calls, exec_us, exec_sq, hit, read, "
            "dealloc, complete, entries) from stdin"
        ) as copy:
            for row in statements:
                copy.write_row((*row, True, 500))
        with cursor.copy(
            "copy _wedding_dbopt.connection_sample (at, total_max, active_max, by_application, max_connections, "
            "reserved) from stdin"
        ) as copy:
            for connected in connections:
                copy.write_row((*connected, 103, 3))
        with cursor.copy(
            "copy _wedding_dbopt.system_sample (at, blks_hit, blks_read, xact_commit, xact_rollback, deadlocks, "
            "checkpoints_requested,"
            " cpu_percent, cpus, load_1m, memory_total, memory_available, disk_total, disk_free, xid_age, "
            "multixact_age) from stdin"
        ) as copy:
            for used in system:
                copy.write_row((*used, 0, 0, 35, 4, 1.5, 16 * 2**30, 8 * 2**30, 2**40, 2**39, 10**6, 10**4))
    session.execute(
        "select _wedding_dbopt.store_contexts(%s::timestamptz - interval '1 microsecond', %s)",
        (statements[0][0], statements[-1][0]),
    )
