"""Percentiles against the server's own log of each call: their bounds hold whatever the distribution."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import dict_row

from tests.cluster import Cluster
from tests.system.truth import BEGIN
from tests.system.tuner import until

PASSES = 3
CALLS = 60  # in each pass
SHARES = (50, 95, 99)
#: Milliseconds of one call, by a number between 0 and 1.
SHAPES: dict[str, Callable[[float], float]] = {
    "constant": lambda u: 25,
    "spread": lambda u: 10 + 30 * u,
    "two groups": lambda u: 15 if u < 0.93 else 200,
    "heavy tail": lambda u: min(8 * (1 - u) ** -0.6, 500),
}
#: What the log counts on top of the executor's time: sending the row, and waiting for a processor.
TOLERANCE = 0.01


def rank(durations: list[float], share: int) -> float:
    """The percentile as percentile_disc has it."""
    return sorted(durations)[math.ceil(share / 100 * len(durations)) - 1]


class Driven:
    """What the log says of each shape's calls, and what the extension says."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.session = cluster.connect(row_factory=dict_row)
        self.until = BEGIN
        self.collect()
        for _ in range(PASSES):
            with ThreadPoolExecutor(len(SHAPES)) as pool:
                list(pool.map(self.run, SHAPES))
            self.collect()
        self.logged: dict[str, list[float]] = until(self.read_log)

    def collect(self) -> None:
        self.until += timedelta(minutes=1)
        self.session.execute("call wedding_dbopt.collect(%s)", [self.until])

    def run(self, shape: str) -> None:
        """Calls of one shape in random order; each shape's statement has a number of columns of its own."""
        chance = random.Random(shape)
        with self.cluster.connect(application_name=shape.replace(" ", "_")) as session:
            for place in chance.sample(range(CALLS), CALLS):
                seconds = SHAPES[shape]((place + 0.5) / CALLS) / 1000
                session.execute(statement(shape, "%s").encode(), [seconds], prepare=True)

    def read_log(self) -> dict[str, list[float]] | None:
        """Durations of the calls, once all of them are in the log."""
        durations: dict[str, list[float]] = {shape: [] for shape in SHAPES}
        for path in self.cluster.data_directory.glob("log/*.json"):
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                shape = entry.get("application_name", "").replace("_", " ")
                if shape in durations and " ms  execute " in entry["message"]:
                    durations[shape].append(float(entry["message"].split()[1]))
        whole = all(len(found) == PASSES * CALLS for found in durations.values())
        return durations if whole else None

    def performance(self, shape: str) -> dict[str, Any]:
        row = self.session.execute(
            "select * from wedding_dbopt.get_query_performance(at => %s, time_window => '1 hour') where query = %s",
            [self.until, statement(shape, "$1", "${}")],
        ).fetchone()
        assert row is not None
        return dict(row)


def statement(shape: str, seconds: str, constant: str = "1") -> str:
    columns = [constant.format(place + 2) for place in range(list(SHAPES).index(shape))]
    return f"select {', '.join([f'pg_sleep({seconds})', *columns])}"


@pytest.fixture(scope="module")
def driven() -> Iterator[Driven]:
    settings = {
        "logging_collector": "on",
        "log_destination": "jsonlog",
        "log_min_duration_statement": "0",
    }
    with Cluster(("pg_stat_statements",), **settings) as cluster:
        cluster.install()
        yield Driven(cluster)


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_and_deviation_are_those_of_the_log(driven: Driven, shape: str) -> None:
    told, logged = driven.performance(shape), driven.logged[shape]
    mean = statistics.fmean(logged)
    assert told["calls"] == len(logged)
    assert told["complete"]
    assert float(told["mean_exec_time"]) == pytest.approx(mean, rel=TOLERANCE)
    assert float(told["stddev_exec_time"]) == pytest.approx(
        statistics.pstdev(logged), rel=TOLERANCE, abs=TOLERANCE * mean
    )


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_true_percentile_lies_between_its_bounds(driven: Driven, shape: str, share: int) -> None:
    told, true = driven.performance(shape), rank(driven.logged[shape], share)
    low, estimate, high = (float(told[f"p{share}_{part}"]) for part in ("low", "ms", "high"))
    assert low * (1 - TOLERANCE) <= true <= high * (1 + TOLERANCE)
    assert low <= estimate <= high


@pytest.mark.parametrize("share", SHARES)
def test_the_bounds_hold_for_a_context_of_all_of_them(driven: Driven, share: int) -> None:
    row = driven.session.execute(
        "select * from _wedding_dbopt.context_percentiles(%s, %s) where context = 'other' and share = %s",
        [BEGIN, driven.until, share / 100],
    ).fetchone()
    assert row is not None
    true = rank([duration for durations in driven.logged.values() for duration in durations], share)
    assert row["low"] * (1 - TOLERANCE) <= true <= row["high"] * (1 + TOLERANCE)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_bounds_are_no_wider_than_the_deviation_says(driven: Driven, shape: str) -> None:
    told, logged = driven.performance(shape), driven.logged[shape]
    slower = len(logged) - math.ceil(0.95 * len(logged)) + 1
    reach = math.sqrt(len(logged) / slower - 1) * statistics.pstdev(logged)
    most = min(statistics.fmean(logged) + reach, sum(logged) / slower)
    assert float(told["p95_high"]) <= (1 + 2 * TOLERANCE) * most
