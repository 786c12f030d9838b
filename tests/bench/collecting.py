"""What a pass of the collector costs, against reading pg_stat_statements once and against copying it."""

from __future__ import annotations

import os
from contextlib import ExitStack

from tests.bench.measure import Session, interleaved, show
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


def run() -> None:
    by_source()
    with Cluster(**{"pg_stat_statements.max": "10000"}) as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as worker, cluster.connect() as session:
            fill(worker, STATEMENTS)
            session.execute("create table copied as select * from pg_stat_statements(false) limit 0")
            session.execute("call wedding_dbopt.maintain()")
            session.execute("call wedding_dbopt.collect()")
            for share in (0.1, 0.5):
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
                show(figures, "count(*) from pg_stat_statements(false)")


if __name__ == "__main__":
    by_source()
