"""The season's load on the wedding platform: untuned, with single-column advice, and after the loop has done its work.

The loop gets nothing but schedule_jobs() and the mode auto: pg_cron drives it while the season's traffic goes on. What is
shortened is time: the interval between two tunings, the window of a verdict and that of a hidden index are minutes instead
of hours and days. Latencies count from the scheduled arrival; others on the machine lengthen them, so CPU and blocks per
transaction, which they do not change, stand beside them, and how much of the machine others took.

SCALE, SECONDS (of each measurement) and TUNING_LIMIT (seconds) are read from the environment. The tables and a chart
are left in build/out.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.bench import single_columns
from tests.bench.bars import BARS, Measured, chart, figures
from tests.cluster import Cluster
from tests.workload import drive, load
from tests.workload.profiles import CONTEXTS

Session = psycopg.Connection[Any]

SERVER = {
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "effective_cache_size": "2GB",
    "autovacuum_naptime": "15s",
    "cron.database_name": "tuned",
}
SHORTENED = {
    "verification_min_window": "60 s",
    "verification_max_window": "6 minutes",
    "verification_min_calls": "20",
    "hidden_index_window": "2 minutes",
    "apply_retry_delay": "20 s",
    "workload_min_history": "4 minutes",
    "tuning_interval_off_season": "6 minutes",  # a verdict needs four passes before the change,
}
PROFILES = ("season", "surge")
VARIANTS = ("untuned", "single columns", "wedding_dbopt")
OUT = Path("build/out")
TICKS = os.sysconf("SC_CLK_TCK")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def one(session: Session, query: str, *values: Any) -> Any:
    row = session.execute(query.encode(), values or None).fetchone()
    return row[0] if row else None


# ------------------------------------------------------------------ measuring


@dataclass(frozen=True)
class Counters:
    """CPU seconds of the server's sessions and of the whole machine, blocks that sessions of the database touched."""

    server: float
    machine: float
    blocks: int
    at: float


def counters(cluster: Cluster, database: str) -> Counters:
    """Sessions that have ended count: their CPU is in the postmaster's account of its children."""
    postmaster = (cluster.data_directory / "postmaster.pid").read_text().split()[0]
    fields = Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()
    machine = [int(value) for value in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    busy = sum(machine) - machine[3] - machine[4]
    with cluster.connect("postgres") as session:
        blocks = one(
            session, "select blks_hit + blks_read from pg_stat_database where datname = %s", database
        )
    return Counters((int(fields[13]) + int(fields[14])) / TICKS, busy / TICKS, int(blocks), time.monotonic())


def measure(cluster: Cluster, database: str, profile: str, seconds: int) -> Measured:
    with cluster.connect(database) as session:
        session.execute("checkpoint")
    before = counters(cluster, database)
    result = drive.run(cluster.conninfo(database, "authenticator"), profile, seconds, seed=1)
    time.sleep(1)  # the sessions' statistics arrive when they have ended
    after = counters(cluster, database)
    done = max(result.total.done, 1)
    server = after.server - before.server
    others = (after.machine - before.machine - server) / (after.at - before.at)
    return Measured(result, 1000 * server / done, (after.blocks - before.blocks) / done, others)


def measure_both(cluster: Cluster, database: str, title: str, seconds: int) -> dict[str, Measured]:
    found = {}
    for profile in PROFILES:
        say(f"{title}: profile {profile} for {seconds} s")
        found[profile] = measure(cluster, database, profile, seconds)
        print(found[profile].result.table(scripts=True), flush=True)
    return found


@contextmanager
def traffic_going_on(cluster: Cluster, database: str) -> Iterator[None]:
    """The season's traffic goes on: nobody stops the platform for a tuning."""
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            drive.run(cluster.conninfo(database, "authenticator"), "season", 10)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        ended.set()
        sender.join()


# ------------------------------------------------------------------ the three platforms


def copy(cluster: Cluster, name: str) -> None:
    with cluster.connect("postgres") as session:
        session.execute(f"create database {name} template platform".encode())


def build_peer(cluster: Cluster) -> int:
    """The single-column indexes, built; how many."""
    with cluster.connect("peer") as session:
        session.execute("create extension hypopg")
        advice = single_columns.advised(session, "untuned")
        for definition in advice:
            session.execute(definition.encode())
        session.execute("vacuum analyze")
    return len(advice)


def tune(cluster: Cluster, limit: float) -> None:
    """Schedule the jobs and let them work until a tuning finds nothing more to do."""
    cluster.install("tuned", "hypopg", "pg_cron")
    with cluster.connect("tuned") as session:
        for name, setting in SHORTENED.items():
            session.execute("select wedding_dbopt.set_setting(%s, %s)", [name, setting])
        session.execute(
            "select wedding_dbopt.set_setting(name, 'auto') from _wedding_dbopt.setting where name like 'mode.%'"
        )
        session.execute("update _wedding_dbopt.season set tuning_interval = '6 minutes'")
        session.execute("select wedding_dbopt.schedule_jobs()")
        told = ""
        end = time.monotonic() + limit
        while time.monotonic() < end and not nothing_left(session):
            now = state(session)
            if now != told:
                say(now)
                told = now
            time.sleep(5)
        say("the loop found nothing more to do" if nothing_left(session) else "the time for tuning is over")
        session.execute("update _wedding_dbopt.season set tuning_interval = '4 hours'")
        session.execute("select wedding_dbopt.set_setting('tuning_interval_off_season', '12 hours')")


def nothing_left(session: Session) -> bool:
    """The last tuning is finished, made no action, and none of an earlier one is open."""
    return bool(
        one(
            session,
            """select (select r.state = 'finished' and r.id > 1
                              and not exists (select from _wedding_dbopt.action a where a.run_id = r.id)
                       from _wedding_dbopt.tuning_run r order by r.id desc limit 1)
                 and not exists (select from _wedding_dbopt.action a where a.state in ('approved', 'applying', 'verifying'))""",
        )
    )


def state(session: Session) -> str:
    runs = one(
        session,
        "select string_agg(format('run %s %s', id, state), ', ' order by id) from _wedding_dbopt.tuning_run",
    )
    actions = one(
        session,
        """select string_agg(format('%s %s %s', n, action_type, state), ', ' order by action_type, state)
           from (select action_type, state, count(*) as n from _wedding_dbopt.action group by 1, 2) a""",
    )
    return f"{runs or 'waiting for the first tuning'}; {actions or 'no action'}"


def show_actions(cluster: Cluster) -> None:
    with cluster.connect("tuned") as session:
        for row in session.execute(
            """select a.id, a.state, a.action_type, a.wedding_context, round(a.estimated_impact, 1),
                      round(a.measured_impact, 1), a.sql, coalesce(a.verdict, 'no verdict')
               from _wedding_dbopt.action a order by a.id"""
        ).fetchall():
            print("  {}: {} {} for {}, estimated {} %, measured {} %: {} ({})".format(*row), flush=True)
        for row in session.execute(
            """select reason, count(*) from _wedding_dbopt.event
               where subject = 'action' and reason like 'postponed%' group by 1 order by 2 desc limit 5"""
        ).fetchall():
            print("  {1} x {0}".format(*row), flush=True)


# ------------------------------------------------------------------ what latencies of contexts do not show

_CATEGORY = """
select id, name, category, location, rating, price_range from public.vendors
where category = %s and location = %s and status = 'active' and verified = true
order by rating desc nulls last limit 20
"""


def slowest_category(cluster: Cluster, database: str) -> tuple[int, str, float]:
    """E89: number of categories searched, and the one whose p95 is the worst, in ms."""
    with cluster.connect(database) as session:
        categories, cities = (
            [
                row[0]
                for row in session.execute(
                    "select word from workload.word where list = %s order by n", [kind]
                )
            ]
            for kind in ("category", "city")
        )
        slowest = ("", 0.0)
        for category in categories:
            spent = []
            for city in cities:
                begun = time.perf_counter()
                session.execute(_CATEGORY, [category, city]).fetchall()
                spent.append(1000 * (time.perf_counter() - begun))
            slowest = max(slowest, (category, drive.percentile(spent, 95)), key=lambda found: found[1])
        return len(categories), *slowest


def seen_at_once(cluster: Cluster, database: str) -> bool:
    """E91: an update of the timeline is there for the next reader as soon as it is committed."""
    with cluster.connect(database) as writer, cluster.connect(database) as reader:
        event = one(writer, "select workload.id('timeline_event', 1)")
        for status in ("done", "planned", "in_progress"):
            writer.execute("update public.timeline_events set status = %s where id = %s", [status, event])
            if one(reader, "select status::text from public.timeline_events where id = %s", event) != status:
                return False
    return True


def run() -> None:
    scale = float(os.environ.get("SCALE", "1"))
    seconds = int(os.environ.get("SECONDS", "60"))
    limit = float(os.environ.get("TUNING_LIMIT", "1800"))
    with Cluster(**SERVER) as cluster:
        with cluster.connect("postgres") as session:
            session.execute("create database platform")
            session.execute("create database tuned")  # pg_cron waits for it; the same rows come later
        say(f"loading the platform, scale {scale:g}")
        load.load(cluster.conninfo("platform"), scale=scale, progress=lambda line: None)
        with cluster.connect("platform") as session:
            session.execute("create extension pg_stat_statements")
        found: dict[str, dict[str, Measured]] = {}
        copy(cluster, "untuned")
        with cluster.connect("untuned") as session:
            session.execute("vacuum analyze")
        found["untuned"] = measure_both(cluster, "untuned", "untuned", seconds)
        copy(cluster, "peer")
        number = build_peer(cluster)
        say(f"single-column advice: {number} indexes")
        found["single columns"] = measure_both(cluster, "peer", "single columns", seconds)
        with cluster.connect("postgres") as session:
            session.execute("drop database peer")
            session.execute("drop database untuned")
        load.load(cluster.conninfo("tuned"), scale=scale, progress=lambda line: None)
        with cluster.connect("tuned") as session:
            session.execute("vacuum analyze")
        say("the loop: schedule_jobs(), mode auto, the season's traffic goes on")
        with traffic_going_on(cluster, "tuned"):
            tune(cluster, limit)
        show_actions(cluster)
        found["wedding_dbopt"] = measure_both(cluster, "tuned", "wedding_dbopt", seconds)
        categories, worst, worst_ms = slowest_category(cluster, "tuned")
        at_once = seen_at_once(cluster, "tuned")
        with cluster.connect("tuned") as session:
            share = one(
                session,
                "select share_percent from wedding_dbopt.get_collection_stats() where source = 'pass'",
            )
    text = figures(found, VARIANTS, PROFILES)
    text += (
        f"\nE89  slowest of {categories} categories of vendor search: {worst}, p95 {worst_ms:.1f} ms (bar 100)"
        f"\nE91  an update of the timeline is seen by the next reader: {'yes' if at_once else 'no'}"
        f"\n     collection's own share of the statements' time: {share} %\n"
    )
    print(text, flush=True)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "season-load.txt").write_text(text)
    (OUT / "season-load.svg").write_text(chart(found, VARIANTS, PROFILES))
    say(f"{OUT / 'season-load.svg'}, {OUT / 'season-load.txt'}; {len(BARS)} bars, {len(CONTEXTS)} contexts")
