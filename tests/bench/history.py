"""A day of collection on a full pg_stat_statements, its cost, its size, and what reading it costs; the clock is compressed."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.bench import busy
from tests.bench.measure import FLOOR, Session, cpu_ms, wal_position
from tests.cluster import Cluster

STATEMENTS = int(os.environ.get("STATEMENTS", "4850"))
PASSES = int(os.environ.get("PASSES", "288"))
SHARE = 0.1
SIZE = """
select sum(pg_total_relation_size(c.oid))::bigint from pg_class c
where c.relnamespace = '_wedding_dbopt'::regnamespace and c.relkind in ('r', 'm')
"""
BIGGEST = """
select regexp_replace(c.relname, '_(\\d{8}|default)$', '') as name, sum(pg_total_relation_size(c.oid))::bigint
from pg_class c where c.relnamespace = '_wedding_dbopt'::regnamespace and c.relkind = 'r'
group by 1 order by 2 desc limit 6
"""


DEAD = """
select format('vacuum %I.%I', schemaname, relname) from pg_stat_all_tables
where schemaname = '_wedding_dbopt' and n_dead_tup > 50 + 0.2 * n_live_tup
"""


class Meter:
    """CPU and wall milliseconds and WAL bytes of calls in one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.cpu: list[float] = []
        self.wall: list[float] = []
        self.wal: list[int] = []

    def __call__(self, query: str, *values: Any) -> Any:
        """What the query answers, if it has rows."""
        written, used, started = wal_position(self.session), cpu_ms(self.session), time.perf_counter()
        result = self.session.execute(query.encode(), values or None)
        self.wall.append(1000 * (time.perf_counter() - started))
        self.cpu.append(cpu_ms(self.session) - used)
        self.wal.append(wal_position(self.session) - written)
        row = result.fetchone() if result.description else None
        return row and row[0]


def one(session: Session, query: str, *values: Any) -> Any:
    row = session.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return row[0]


def best(session: Session, call: Callable[[], Any], times: int = 9) -> float:
    """CPU milliseconds of the cheapest of several calls."""
    found = []
    for _ in range(times):
        used = cpu_ms(session)
        call()
        found.append(cpu_ms(session) - used)
    return min(found)


def line(name: str, figure: str, bar: str = "") -> None:
    print(f"  {name:62} {figure:>22}   {bar}", flush=True)


def run() -> None:
    chance = random.Random(5)
    step = timedelta(days=1) / PASSES
    begin = datetime.fromisoformat("2031-02-03T00:00:00+00:00")
    settings = {
        "pg_stat_statements.max": "5000",
        "max_wal_size": "4GB",
        "shared_buffers": "512MB",
        "autovacuum": "off",  # its WAL would be counted where it falls; DEAD says what it would do, after each hour
    }
    with Cluster(**settings) as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as worker, cluster.connect() as session:
            session.execute("set pg_stat_statements.track = 'none'")
            busy.create_tables(worker)
            texts = busy.statements(STATEMENTS)
            worker.execute("select pg_stat_statements_reset()")
            busy.run(worker, texts)
            empty = one(session, SIZE)
            session.execute("call wedding_dbopt.maintain(%s)", [begin])
            first, floor, collect = (Meter(session) for _ in range(3))
            steps = one(session, "select _wedding_dbopt.maintenance_steps()")
            maintain = {name: Meter(session) for name in [*steps, "collect_hour", "vacuum"]}
            hours: list[float] = []
            first("call wedding_dbopt.collect(%s)", begin)
            session.execute("select _wedding_dbopt.classify_statements()")
            at = begin
            for number in range(1, PASSES + 1):
                at = begin + number * step
                busy.run(worker, busy.share_of(texts, SHARE, chance))
                floor(FLOOR)
                collect("call wedding_dbopt.collect(%s)", at)
                if number % (PASSES // 24) == 0:
                    used, later = cpu_ms(session), at + timedelta(seconds=1)
                    for name in steps:  # as maintain() does
                        while maintain[name](
                            "select _wedding_dbopt.run_step('maintain', %s, %s, %s)", name, name, later
                        ):
                            pass
                    maintain["collect_hour"]("call wedding_dbopt.collect_hour(%s)", later)
                    hours.append(cpu_ms(session) - used)
                    session.execute("select pg_stat_force_next_flush()")
                    for (vacuum,) in session.execute(DEAD.encode()).fetchall():
                        maintain["vacuum"](vacuum)
                if number % (PASSES // 8) == 0:
                    print(f"  {number} of {PASSES} passes", flush=True)
            known = one(session, FLOOR)
            print(f"\n  {known} statements, {SHARE:.0%} changed per pass, {PASSES} passes in a day\n")
            costs(first, floor, collect, maintain, hours)
            line(
                "size of the day, texts included, MB", f"{(one(session, SIZE) - empty) / 2**20:.1f}", "bar 12"
            )
            for name, size in session.execute(BIGGEST.encode()).fetchall():
                line(f"    {name}", f"{size / 2**20:.2f}")
            reading(session, at)
            locked(cluster, session, at)
            session.execute("update _wedding_dbopt.setting set value = '1 hour' where name = 'raw_retention'")
            drop = Meter(session)
            later = at + timedelta(hours=3)
            while drop("select _wedding_dbopt.drop_partitions(%s)", later):
                pass
            wall, wal = drop.wall[:-1], [written / 1024 for written in drop.wal[:-1]]
            line(
                f"dropping a day, each of its {len(wall)} tables alone, at most: wall ms / WAL kB",
                f"{max(wall):.0f} / {max(wal):.1f}",
                "bar 50 / 10",
            )
            line("    all together, wall ms / WAL kB", f"{sum(wall):.0f} / {sum(wal):.0f}")


def costs(first: Meter, floor: Meter, collect: Meter, maintain: dict[str, Meter], hours: list[float]) -> None:
    """CPU, time and WAL of the passes and of maintenance, whose last run ends the day."""
    unit, usual = statistics.median(floor.cpu), statistics.median(collect.cpu)
    late, largest = sorted(collect.cpu)[int(0.95 * len(collect.cpu))], max(collect.cpu)
    line("floor: count(*) from pg_stat_statements(false), CPU ms", f"{unit:.2f}")
    line(
        "first pass on a full pg_stat_statements, CPU / wall ms",
        f"{first.cpu[0]:.0f} / {first.wall[0]:.0f}",
        "bar 500",
    )
    line("whole pass, CPU ms: median / 95th / largest", f"{usual:.1f} / {late:.1f} / {largest:.1f}")
    line("whole pass, x floor", f"{usual / unit:.1f}")
    line(
        "maintenance, CPU ms: hourly / that ends the day", f"{statistics.median(hours):.0f} / {hours[-1]:.0f}"
    )
    # Each is a transaction of its own; nothing that collection runs in a day is left out.
    worst = {
        "collect": largest,
        **{step: max(meter.cpu) for step, meter in maintain.items() if step != "vacuum"},
    }
    ranked = sorted(worst, key=lambda step: -worst[step])
    line(f"slowest pass or step of the day ({ranked[0]}), CPU ms", f"{worst[ranked[0]]:.0f}", "bar 200")
    for step in ranked[1:6]:
        line(f"    {step}, at most, CPU ms", f"{worst[step]:.0f}")
    usual_wal, largest_wal = statistics.median(collect.wal), max(collect.wal)
    line("WAL of a pass, kB: median / largest", f"{usual_wal / 1024:.1f} / {largest_wal / 1024:.0f}")
    passes = sum(collect.wal) / 2**20
    kept = sum(sum(meter.wal) for meter in maintain.values()) / 2**20
    line(
        "WAL of the first day, MB: all / first pass / passes / maintenance",
        f"{first.wal[0] / 2**20 + passes + kept:.1f} / {first.wal[0] / 2**20:.1f} / {passes:.1f} / {kept:.1f}",
        "bar 12",
    )
    for step in sorted(maintain, key=lambda step: -sum(maintain[step].wal))[:3]:
        line(f"    {step}, MB", f"{sum(maintain[step].wal) / 2**20:.2f}")


def locked(cluster: Cluster, session: Session, at: datetime) -> None:
    """Passes beside tables under the strongest lock and uncommitted DDL, and a pass beside another one."""
    free, held, second = (Meter(session) for _ in range(3))
    with cluster.connect() as holder:
        for number in range(1, 6):
            free("call wedding_dbopt.collect(%s)", at + timedelta(minutes=number))
        tables = ", ".join(busy.table(number) for number in range(100))
        holder.execute(
            f"begin; lock table {tables} in access exclusive mode; create index on {busy.table(101)} (city)".encode()
        )
        for number in range(6, 11):
            held("call wedding_dbopt.collect(%s)", at + timedelta(minutes=number))
        holder.execute(
            "rollback; begin; select from _wedding_dbopt.pass_lock where name = 'collect' for update"
        )
        for number in range(11, 16):
            second("call wedding_dbopt.collect(%s)", at + timedelta(minutes=number))
        holder.execute("rollback")
    failed = one(
        session, "select count(*) from _wedding_dbopt.collect_log where at > %s and reason <> 'skipped'", at
    )
    beside = f"{min(held.cpu):.1f} / {min(free.cpu):.1f}"
    line("a pass beside 100 locked tables and DDL / without, CPU ms", beside, f"{failed} sources failed")
    line("a second pass at the same time is skipped, CPU ms", f"{min(second.cpu):.2f}", "bar 1")


def reading(session: Session, at: datetime) -> None:
    """The reads people do most, on the day that was collected."""

    def top(hours: int) -> Callable[[], Any]:
        return lambda: session.execute(
            "select query from wedding_dbopt.get_query_performance(10, 0, make_interval(hours => %s), %s)",
            [hours, at],
        ).fetchall()

    line("top 10 of the last hour with text, CPU ms", f"{best(session, top(1)):.1f}", "bar 10")
    line("top 10 of the day, from roll-ups, CPU ms", f"{best(session, top(24)):.1f}", "bar 40")
    queryid = one(
        session, "select queryid from wedding_dbopt.get_query_performance(1, 0, '24 hours', %s)", at
    )
    trend = best(
        session,
        lambda: session.execute(
            "select * from wedding_dbopt.get_query_history(%s, '24h', %s)", [queryid, at]
        ).fetchall(),
    )
    line("one statement's day, CPU ms", f"{trend:.1f}", "bar 5")
    latest = best(session, lambda: session.execute("select wedding_dbopt.get_latest_metrics(%s)", [at]))
    line("latest metrics, CPU ms", f"{latest:.1f}", "bar 10")
    session.execute("begin; delete from _wedding_dbopt.rolled_hour; delete from _wedding_dbopt.rolled_day")
    line("top 10 of the day, from raw samples, CPU ms", f"{best(session, top(24)):.1f}", "bar 80")
    session.execute("rollback")
