"""What safe planning costs, against plain EXPLAIN of the same statement, and what an analysis costs cold and warm."""

from __future__ import annotations

import time

from tests.bench.measure import Session, interleaved, show
from tests.cluster import Cluster

STATEMENT = "select * from bookings where venue_id = 7 and status = 'confirmed'"
SAFE = """
do language plpython3u $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
from wedding_dbopt.database import SpiDatabase
from wedding_dbopt.planning import planning_session
from wedding_dbopt.query import Query
query = Query.parse("{statement}")
with planning_session(SpiDatabase(plpy)) as session:
    for _ in range(200): session.explain(query, {userid})
$$
"""
PLAIN = """
do language plpython3u $$
for _ in range(200): plpy.execute("explain (format json, verbose) {statement}")
$$
"""


def set_up(session: Session) -> int:
    session.execute(
        """create table bookings as
             select g as id, g % 500 as venue_id, case g % 3 when 0 then 'confirmed' else 'pending' end as status
             from generate_series(1, 50000) g;
           create role app; grant select on bookings to app; analyze bookings"""
    )
    row = session.execute("select oid::bigint from pg_roles where rolname = 'app'").fetchone()
    assert row is not None
    return int(row[0])


def run() -> None:
    with Cluster() as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as session:
            userid = set_up(session)
            plain = PLAIN.format(statement=STATEMENT).encode()
            as_app = SAFE.format(statement=STATEMENT, userid=userid).encode()
            as_planner = SAFE.format(statement=STATEMENT, userid="None").encode()
            print("\n  200 plans of one statement")
            figures = interleaved(
                session,
                {
                    "plain EXPLAIN": lambda: session.execute(plain),
                    "as the role that issued it": lambda: session.execute(as_app),
                    "a superuser's statement, checked first": lambda: session.execute(as_planner),
                },
                rounds=5,
            )
            show(figures, "plain EXPLAIN")
        for kind in ("cold", "warm"):
            times = []
            with cluster.connect() as session:
                for number in range(1 if kind == "cold" else 21):
                    started = time.monotonic()
                    session.execute("select wedding_dbopt.analyze_query(%s)", [STATEMENT])
                    if kind == "cold" or number:
                        times.append(1000 * (time.monotonic() - started))
            print(
                f"  analyze_query in a {kind} backend: median {sorted(times)[len(times) // 2]:.1f} ms of {len(times)}"
            )
