"""The workload's own arithmetic: logs, percentiles, profiles. No server needed."""

import math

import pytest

from tests.workload.connection import conninfo
from tests.workload.drive import SCRIPTS, ContextResult, Result, Transactions, parse_log, percentile
from tests.workload.profiles import CONTEXTS, PROFILES

LOG = """\
0 1 1500 0 1780272000 100 20
1 1 80001 1 1780272000 200 30
0 2 skipped 1 1780272001 300 90000
1 2 80000 1 1780272001 400 50
0 3 failed 0 1780272002 500 10
""".splitlines()


def test_log_is_split_by_script_and_judged_by_the_limit() -> None:
    scripts = parse_log(LOG, ["status", "record"], limit_ms=80)
    assert scripts["status"] == Transactions(latencies_ms=[1.5], late=0, not_done=1)
    assert scripts["record"] == Transactions(latencies_ms=[80.001, 80.0], late=1, not_done=1)


def test_failures_are_late_skipped_and_failed() -> None:
    transactions = Transactions(latencies_ms=[1.0, 2.0, 300.0], late=1, not_done=1)
    assert (transactions.scheduled, transactions.done, transactions.failures) == (4, 3, 2)
    assert transactions.average_ms == 101.0
    assert transactions.success == 0.5


def test_nothing_done_is_no_success() -> None:
    skipped = Transactions(not_done=3)
    assert skipped.success == 0
    assert math.isnan(skipped.average_ms)
    assert math.isnan(Transactions().success)


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1.0), (1, 1.0), (50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)]
)
def test_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], percent) == expected


def test_percentile_of_nothing_is_not_a_number() -> None:
    assert math.isnan(percentile([], 95))


def context_result(latencies_ms: list[float], errors: list[str] | None = None) -> ContextResult:
    return ContextResult(latencies_ms=latencies_ms, objective_ms=20, scripts={}, errors=errors or [])


@pytest.mark.parametrize(
    ("context", "met"),
    [
        (context_result([19.0] * 95 + [79.0] * 5), True),
        (context_result([19.0] * 94 + [21.0] * 6), False),
        (context_result([1.0], errors=["ERROR:  permission denied"]), False),
        (context_result([]), False),
    ],
)
def test_objective_is_met_at_p95_without_errors(context: ContextResult, met: bool) -> None:
    assert context.met is met


def test_table_has_a_line_for_each_context_and_the_total() -> None:
    result = Result("season", 30, {"booking": context_result([1.0]), "payment": context_result([30.0])})
    table = result.table().splitlines()
    assert [line.split()[0] for line in table[2:]] == ["booking", "payment", "total"]
    assert (table[2].split()[-1], table[3].split()[-1]) == ("yes", "no")
    assert result.total.done == 2
    assert not result.met


def test_every_script_belongs_to_a_context_and_weights_are_per_mille() -> None:
    named = {f"{name}_{script}.sql" for name, context in CONTEXTS.items() for script in context.scripts}
    assert named == {path.name for path in SCRIPTS.iterdir()}
    assert {sum(context.scripts.values()) for context in CONTEXTS.values()} == {1000}


def test_surge_is_ten_times_the_bookings_of_the_season() -> None:
    normal, season, surge = (PROFILES[profile] for profile in ("normal", "season", "surge"))
    assert {season[name] / normal[name] for name in CONTEXTS} == {4.0}
    assert surge["booking"] == 10 * season["booking"]
    assert all(surge[name] == season[name] for name in CONTEXTS if name != "booking")


def test_conninfo_quotes_its_values() -> None:
    assert conninfo({"host": "/tmp/it's", "port": 5433}) == r"host='/tmp/it\'s' port='5433'"
    assert conninfo("service=wedding") == "service=wedding"
