"""What a pass of the collector costs, against reading pg_stat_statements once and against copying it."""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from functools import partial
from statistics import median

from tests.bench import busy
from tests.bench.measure import FLOOR, Session, cpu_ms, interleaved, show, wal_position
from tests.cluster import Cluster

STATEMENTS = int(os.environ.get("STATEMENTS", "4850"))
ROUNDS = int(os.environ.get("ROUNDS", "20"))
SESSIONS = 40
#: What a pass is made of; the statements have a table of their own, beside their floor.
SOURCES = ("relations", "connections", "locks", "system")
MINUTE = "statements, relations, connections, system"
#: What is aimed at, by the share of the statements that changed.
BARS = {
    0.1: {"statements": "bar 2.8 x, 10 kB", MINUTE: "bar 30 ms"},
    0.5: {"statements": "bar 4.4 x, 45 kB"},
}


class Load:
    """The application: it runs a share of its statements between two passes, and has its use of tables counted at once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.chance = random.Random(5)
        busy.create_tables(session)
        self.texts = busy.statements(STATEMENTS)
        self.chosen = self.texts
        session.execute("select pg_stat_statements_reset()")
        busy.run(session, self.chosen)

    def choose(self, share: float) -> None:
        """What runs until the next choice: so a pass sees this share changed, however often it ran."""
        self.chosen = busy.share_of(self.texts, share, self.chance)

    def run(self) -> None:
        busy.run(self.session, self.chosen)
        self.session.execute("select pg_stat_force_next_flush()")
        self.session.execute("select 1")


def quiet(cluster: Cluster) -> Session:
    """A session of a collector: nothing of it is counted, and its plans are those of the job that stays (collect_minutes.sql)."""
    session = cluster.connect()
    session.execute("set pg_stat_statements.track = 'none'; set plan_cache_mode = force_generic_plan")
    return session


def by_source(load: Load, session: Session) -> None:
    """Each source of a pass alone."""
    print(
        f"\n  by source: {busy.TABLES} tables, {3 * busy.TABLES} indexes, {SESSIONS} sessions, {ROUNDS} rounds"
    )
    figures = interleaved(
        session,
        {
            "select 1": lambda: session.execute("select 1"),
            **{
                source: lambda source=source: session.execute(
                    f"select _wedding_dbopt.sample_{source}(clock_timestamp())".encode()
                )
                for source in SOURCES
            },
        },
        ROUNDS,
        prepare=load.run,
        begin=lambda: load.choose(0.1),
    )
    show(figures, "select 1")


def of_a_new_session(cluster: Cluster, warm: Session, load: Load) -> None:
    """A pass in a session of its own, as a job each minute would pay for it, beside one that has taken passes before."""
    new: list[float] = []
    used: list[float] = []
    for _ in range(ROUNDS):
        for figures in (new, used):
            load.choose(0.1)
            load.run()
            with ExitStack() as stack:
                session = warm if figures is used else stack.enter_context(cluster.connect())
                started = cpu_ms(session)
                session.execute("call wedding_dbopt.collect()")
                figures.append(cpu_ms(session) - started)
    print(f"\n  the whole pass by session, 10% changed, {ROUNDS} rounds: CPU ms, median and least")
    for name, figures in (("in a new session", new), ("in one that stays, generic plans", used)):
        print(f"  {name:44} {median(figures):9.1f} {min(figures):9.1f}", flush=True)


def after_checkpoint(load: Load, session: Session) -> None:
    """WAL when each page that is touched is logged whole, as by the first pass after a checkpoint."""
    print(f"\n  WAL bytes right after a checkpoint, 10% changed, {ROUNDS // 2} rounds: median and most")
    for name, call in (
        ("statements", "select _wedding_dbopt.sample_statements(clock_timestamp())"),
        ("the whole pass", "call wedding_dbopt.collect()"),
    ):
        written = []
        for _ in range(ROUNDS // 2):
            load.choose(0.1)
            load.run()
            load.session.execute("checkpoint")
            started = wal_position(session)
            session.execute(call.encode())
            written.append(wal_position(session) - started)
        bar = "bar 25 kB" if name == "statements" else ""
        print(f"  {name:44} {median(written):9.0f} {max(written):9} {bar:>14}", flush=True)


def run() -> None:
    with (
        Cluster(**{"pg_stat_statements.max": "5000", "shared_buffers": "512MB"}) as cluster,
        ExitStack() as sessions,
    ):
        cluster.install("test", "hypopg")
        load = Load(sessions.enter_context(cluster.connect()))
        session = sessions.enter_context(quiet(cluster))
        for _ in range(SESSIONS):
            sessions.enter_context(quiet(cluster))
        session.execute("create table copied as select * from pg_stat_statements(false) limit 0")
        session.execute("call wedding_dbopt.maintain()")
        session.execute("call wedding_dbopt.collect()")
        session.execute("select _wedding_dbopt.classify_statements()")
        for share, bars in BARS.items():
            print(
                f"\n  {STATEMENTS} statements, {share:.0%} changed, {busy.TABLES} tables, {3 * busy.TABLES} indexes, "
                f"{SESSIONS} sessions, {ROUNDS} rounds"
            )
            calls = {
                "count(*) from pg_stat_statements(false)": FLOOR,
                "insert everything": "insert into copied select * from pg_stat_statements(false)",
                "statements": "select _wedding_dbopt.sample_statements(clock_timestamp())",
                MINUTE: """select _wedding_dbopt.sample_statements(now()), _wedding_dbopt.sample_relations(now()),
                             _wedding_dbopt.sample_connections(now()), _wedding_dbopt.sample_system(now())""",
                "the whole pass, with contexts, surges, alerts": "call wedding_dbopt.collect()",
            }
            own = {name: sessions.enter_context(quiet(cluster)) for name in calls}
            figures = interleaved(
                session,
                {name: partial(own[name].execute, call.encode()) for name, call in calls.items()},
                ROUNDS,
                prepare=load.run,
                begin=lambda share=share: load.choose(share),
                own=own,
            )
            show(figures, "count(*) from pg_stat_statements(false)", bars)
        by_source(load, session)
        after_checkpoint(load, session)
        of_a_new_session(cluster, session, load)
