"""TPC-H as the benchmarks use it: scale factor 1, primary keys only, the statements, and those that do not compare."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.bench.measure import Session
from tests.bench.planner import fixed
from tests.cluster import Cluster

FOLDER = Path(__file__).parent.parent / "fixtures" / "tpch"
TABLES = ("region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem")
#: Left out of the published comparison; q17 and q20 do not end without an index.
LEFT_OUT = frozenset({"q02", "q17", "q20"})
ENDLESS = frozenset({"q17", "q20"})
#: Megabytes.
HEAP = 1343


def queries(without: frozenset[str] = frozenset()) -> dict[str, str]:
    return {
        path.stem: path.read_text().strip().rstrip(";")
        for path in sorted(FOLDER.glob("q*.sql"))
        if path.stem not in without
    }


@contextmanager
def loaded() -> Iterator[Session]:
    """A session in a database with the data."""
    if dsn := os.environ.get("TPCH_DSN"):
        with psycopg.connect(dsn, autocommit=True) as session:
            yield fixed(session)
        return
    data = os.environ.get("TPCH_DATA")
    if data is None:
        raise SystemExit("set TPCH_DATA to a folder made by `tpchgen-cli csv -s 1 --output-dir FOLDER`")
    with Cluster(shared_buffers="2GB", autovacuum="off") as cluster, cluster.connect() as session:
        session.execute("create extension hypopg")
        for statement in (FOLDER / "schema.sql").read_text().split(";"):
            if statement.strip():
                session.execute(statement.encode())
        for table in TABLES:
            with (
                session.cursor().copy(f"copy {table} from stdin csv header".encode()) as copy,
                (Path(data) / f"{table}.csv").open("rb") as file,
            ):
                while block := file.read(1 << 20):
                    copy.write(block)
        session.execute("vacuum analyze")
        yield fixed(session)
