"""What a pass of the collector costs, against reading pg_stat_statements once and against copying it."""

from __future__ import annotations

import os

from tests.bench.measure import Session, interleaved, show
from tests.cluster import Cluster

STATEMENTS = int(os.environ.get("STATEMENTS", "4800"))
ROUNDS = int(os.environ.get("ROUNDS", "20"))


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


def run() -> None:
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
