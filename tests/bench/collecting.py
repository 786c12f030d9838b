"""What a pass of the collector costs, against reading pg_stat_statements once and against copying it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from tests.bench.measure import Session, cpu_ms, interleaved, show, wal_position
from tests.cluster import Cluster

STATEMENTS = int(os.environ.get("STATEMENTS", "4800"))
ROUNDS = int(os.environ.get("ROUNDS", "20"))
TABLES = 300
SESSIONS = 40
#: What a pass is made of; the statements have a table of their own.
SOURCES = ("relations", "connections", "locks", "system")


def fill(session: Session, number: int) -> None:
    """Give pg_stat_statements its statements: each a query of a shape of its own."""
    session.execute("create table probe (a integer, b integer, c integer)")
    columns = ("a", "b", "c")
    for shape in range(number):
        terms = [columns[(shape // 3**place) % 3] for place in range(9)]
        session.execute(
            f"select {', '.join(f'{term} as x{n}' for n, term in enumerate(terms))} from probe".encode()
        )


def change(session: Session, number: int, share: float) -> None:
    """Run a share of the statements once more."""
    for shape in range(0, number, round(1 / share)):
        terms = [("a", "b", "c")[(shape // 3**place) % 3] for place in range(9)]
        session.execute(
            f"select {', '.join(f'{term} as x{n}' for n, term in enumerate(terms))} from probe".encode()
        )


def relations(session: Session) -> None:
    """Tables with three indexes each."""
    for number in range(TABLES):
        session.execute(
            f"""create table measured{number} (a integer primary key, b integer, c integer);
                create index on measured{number} (b); create index on measured{number} (c)""".encode()
        )


def use(session: Session, share: float) -> None:
    """Read a share of the tables by their index, and have it counted at once."""
    for number in range(0, TABLES, round(1 / share)):
        session.execute(f"select c from measured{number} where a = 1".encode())
    session.execute("select pg_stat_force_next_flush()")
    session.execute("select 1")


def by_source() -> None:
    """Each source of a pass alone, with idle sessions and used tables around it."""
    with Cluster() as cluster, ExitStack() as sessions:
        cluster.install("test", "hypopg")
        worker, session = (sessions.enter_context(cluster.connect()) for _ in range(2))
        relations(worker)
        for _ in range(SESSIONS):
            sessions.enter_context(cluster.connect()).execute("select 1")
        session.execute("call wedding_dbopt.maintain()")
        for _ in range(3):
            session.execute("call wedding_dbopt.collect()")
        print(
            f"\n  by source: {TABLES} tables, {3 * TABLES} indexes, a tenth used, {SESSIONS} sessions, {ROUNDS} rounds"
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
            prepare=lambda: use(worker, 0.1),
        )
        show(figures, "select 1")


#: What is aimed at, by the share of the statements that changed.
BARS = {
    0.1: {"statements": "bar 2.8 x, 10 kB", "the whole pass": "bar 30 ms"},
    0.5: {"statements": "bar 4.4 x, 45 kB"},
}


def of_a_new_session(cluster: Cluster, warm: Session, prepare: Callable[[], None]) -> None:
    """A pass in a session of its own, as a job each minute would pay for it, beside one that has taken passes before."""
    new: list[float] = []
    used: list[float] = []
    for _ in range(ROUNDS):
        for figures in (new, used):
            prepare()
            with ExitStack() as stack:
                session = warm if figures is used else stack.enter_context(cluster.connect())
                started = cpu_ms(session)
                session.execute("call wedding_dbopt.collect()")
                figures.append(cpu_ms(session) - started)
    print(f"\n  the whole pass by session, 10% changed, {ROUNDS} rounds: CPU ms, median and least")
    for name, figures in (("in a new session", new), ("in one that stays, generic plans", used)):
        print(f"  {name:44} {median(figures):9.1f} {min(figures):9.1f}", flush=True)


def after_checkpoint(worker: Session, session: Session) -> None:
    """WAL when each page that is touched is logged whole, as by the first pass after a checkpoint."""
    print(f"\n  WAL bytes right after a checkpoint, 10% changed, {ROUNDS // 2} rounds: median and most")
    for name, call in (
        ("statements", "select _wedding_dbopt.sample_statements(clock_timestamp())"),
        ("the whole pass", "call wedding_dbopt.collect()"),
    ):
        written = []
        for _ in range(ROUNDS // 2):
            change(worker, STATEMENTS, 0.1)
            worker.execute("checkpoint")
            started = wal_position(session)
            session.execute(call.encode())
            written.append(wal_position(session) - started)
        bar = "bar 25 kB" if name == "statements" else ""
        print(f"  {name:44} {median(written):9.0f} {max(written):9} {bar:>14}", flush=True)


def run() -> None:
    by_source()
    with Cluster(**{"pg_stat_statements.max": "10000"}) as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as worker, cluster.connect() as session:
            fill(worker, STATEMENTS)
            session.execute("create table copied as select * from pg_stat_statements(false) limit 0")
            session.execute("call wedding_dbopt.maintain()")
            # As the job does that stays: see collect_minutes.sql.
            session.execute("set plan_cache_mode = force_generic_plan")
            session.execute("call wedding_dbopt.collect()")
            for share, bars in BARS.items():
                print(f"\n  {STATEMENTS} statements, {share:.0%} changed, {ROUNDS} rounds")
                figures = interleaved(
                    session,
                    {
                        "count(*) from pg_stat_statements(false)": lambda: session.execute(
                            "select count(*) from pg_stat_statements(false)"
                        ),
                        "insert everything": lambda: session.execute(
                            "insert into copied select * from pg_stat_statements(false)"
                        ),
                        "statements": lambda: session.execute(
                            "select _wedding_dbopt.sample_statements(clock_timestamp())"
                        ),
                        "the whole pass": lambda: session.execute("call wedding_dbopt.collect()"),
                    },
                    ROUNDS,
                    prepare=lambda share=share: change(worker, STATEMENTS, share),
                )
                show(figures, "count(*) from pg_stat_statements(false)", bars)
            after_checkpoint(worker, session)
            of_a_new_session(cluster, session, lambda: change(worker, STATEMENTS, 0.1))


if __name__ == "__main__":
    by_source()
