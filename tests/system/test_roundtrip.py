"""A sample of random statements keeps its rows when it is rewritten; the bench `roundtrip` takes thousands."""

from __future__ import annotations

from contextlib import ExitStack

from tests.bench.laboratory import laboratory
from tests.bench.roundtrip import explore
from tests.cluster import Cluster

SEED = 1


def test_random_statements_keep_their_rows(cluster: Cluster) -> None:
    with ExitStack() as stack:
        found = explore(laboratory(cluster, stack, SEED), 300, SEED)
    try:
        assert found.failures == []
        assert found.rewritten >= 60, found.fired
        assert len(found.fired) >= 12, found.fired
        assert found.analysed >= 20
        assert sum(found.invalid.values()) <= 15, found.invalid
    finally:
        with cluster.connect("postgres") as admin:
            for (name,) in admin.execute(
                "select datname from pg_database where datname ~ '^roundtrip'"
            ).fetchall():
                admin.execute(f"drop database {name} with (force)")
            admin.execute("drop role if exists of_fixtures, stranger")
