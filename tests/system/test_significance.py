"""What the reports call significant: the p-values of the SQL functions are right, noise is not reported, changes are."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from wedding_dbopt.tuning.statistics import student_p_value

Connection = psycopg.Connection[Any]
SEED = 20011121


def p_values(connection: Connection, freedom: float) -> Iterator[tuple[float, float]]:
    """The SQL function's and the exact p-value for t from 0.01 to 100, as far as they are above 1e-12."""
    for t, found in connection.execute(
        "select t::float8, _wedding_dbopt.student_p_value(t, %s) from generate_series(0.01, 100, 0.01) t",
        [freedom],
    ):
        exact = student_p_value(t, freedom)
        if exact < 1e-12:
            return
        yield found, exact


@pytest.mark.parametrize("freedom", [10, 10.5, 12, 15.25, 20, 30, 57.5, 100, 1000, 1e6])
def test_student_p_value_is_as_exact_as_it_says(connection: Connection, freedom: float) -> None:
    assert max(abs(found / exact - 1) for found, exact in p_values(connection, freedom)) < 3e-3


@pytest.mark.parametrize("freedom", range(1, 10))
def test_student_p_value_of_few_degrees_is_exact(connection: Connection, freedom: int) -> None:
    assert max(abs(found - exact) for found, exact in p_values(connection, freedom)) < 1e-9


@pytest.mark.parametrize("freedom", [1.5, 2.9, 4.1, 7.7, 9.99])
def test_student_p_value_of_broken_degrees_is_never_too_small(connection: Connection, freedom: float) -> None:
    assert all(found > exact - 1e-9 for found, exact in p_values(connection, freedom))


def test_student_p_value_at_the_ends(connection: Connection) -> None:
    row = connection.execute(
        """select _wedding_dbopt.student_p_value(0, 30), _wedding_dbopt.student_p_value(1e300, 30),
                  _wedding_dbopt.student_p_value(60, 1e9), _wedding_dbopt.student_p_value(2, 0.5)"""
    ).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(1, abs=1e-6)
    assert row[1:] == (0, 0, None)


def walk(numbers: random.Random, length: int, memory: float, spread: float) -> list[float]:
    """Noise that remembers: an autoregressive series of mean zero with the given deviation."""
    values = [numbers.gauss(0, spread)]
    while len(values) < length:
        values.append(memory * values[-1] + numbers.gauss(0, spread * math.sqrt(1 - memory**2)))
    return values


def plant_statements(connection: Connection, count: int) -> list[int]:
    return [
        row[0]
        for row in connection.execute(
            """insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context)
               select g, d.oid, 10, true, '2001-03-01Z', 'booking'
               from generate_series(1, %s) g, pg_database d where d.datname = current_database() returning id""",
            [count],
        )
    ]


def plant_day(
    connection: Connection, numbers: random.Random, day: int, ids: list[int], slower: dict[int, float]
) -> None:
    """A day in passes of half an hour: a daily wave, load that all statements share, noise of each, all with memory."""
    passes = 48
    traffic = walk(numbers, passes, 0.5, 0.2)
    shared = walk(numbers, passes, 0.5, 0.03)
    noise = {one: walk(numbers, passes, 0.3, 0.08) for one in ids}
    rows = []
    for number in range(passes):
        calls, times, squares = [], [], []
        for one in ids:
            expected = 300 * (1 + 0.6 * math.sin(2 * math.pi * number / passes)) * math.exp(traffic[number])
            made = max(1, round(numbers.gauss(expected, math.sqrt(expected))))
            mean = 10 * slower.get(one, 1.0) * math.exp(shared[number] + noise[one][number])
            calls.append(made)
            times.append(round(1000 * mean * made))
            squares.append(2 * mean**2 * made)
        rows.append((f"2001-03-{day:02}Z", f"{30 * (number + 1)} minutes", ids, calls, times, squares))
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
               select v.at, v.at - interval '30 minutes', true, %s::integer[], %s::integer[], %s::bigint[], %s::real[]
               from (select %s::timestamptz + %s::interval) v(at)""",
            [(row[2], row[3], row[4], row[5], row[0], row[1]) for row in rows],
        )


def test_noise_of_statements_is_not_called_a_change_and_a_change_is(connection: Connection) -> None:
    numbers = random.Random(SEED)
    ids = plant_statements(connection, 100)
    changed = dict.fromkeys(ids[:10], 1.2)
    days = 13
    for day in range(1, days):
        plant_day(connection, numbers, day, ids, {})
    plant_day(connection, numbers, days, ids, changed)
    for day in range(1, days + 1):
        connection.execute(
            "select wedding_dbopt.create_baseline(%s, null, '24 hours', %s)",
            [f"day {day}", f"2001-03-{day + 1:02}Z"],
        )
    compare = """select (value ->> 'queryid')::integer, value ->> 'verdict', value ->> 'calls_significant' = 'true'
                 from jsonb_array_elements(wedding_dbopt.compare_baselines(%s, %s, 1000) -> 'statements')"""
    false_alarms, tests, answers_with_alarms = 0, 0, 0
    for day in range(1, days - 1):
        verdicts = connection.execute(compare, [f"day {day}", f"day {day + 1}"]).fetchall()
        alarms = [one for one, verdict, _ in verdicts if verdict not in ("same", "unknown")]
        tests += len(verdicts)
        false_alarms += len(alarms)
        answers_with_alarms += bool(alarms)
    assert tests == 100 * (days - 2)
    assert false_alarms <= 0.05 * tests and answers_with_alarms <= 1, (false_alarms, answers_with_alarms)
    verdicts = connection.execute(compare, [f"day {days - 1}", f"day {days}"]).fetchall()
    slower = {one for one, verdict, _ in verdicts if verdict == "slower"}
    assert len(slower & set(range(1, 11))) >= 9
    assert len(slower - set(range(1, 11))) <= 1


CONTEXTS = ("booking", "vendor_search", "payment", "timeline", "guest_management")


def plant_hours(
    connection: Connection,
    numbers: random.Random,
    days: int,
    lift: dict[tuple[int, str], tuple[float, float]],
    memory: float = 0.3,
) -> None:
    """Hours of load since 1 March 2001: a daily wave, traffic and times with memory. `lift` multiplies the calls and the
    times of a context on a day."""
    hours = 24 * days
    connection.execute(
        """insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete)
           select timestamptz '2001-03-01Z' + h * interval '1 hour', 60, 3600, true from generate_series(0, %s) h""",
        [hours - 1],
    )
    rows = []
    for context in CONTEXTS:
        traffic = walk(numbers, hours, memory, 0.15)
        times = walk(numbers, hours, memory, 0.06)
        cached = walk(numbers, hours, memory, 0.2)
        for hour in range(hours):
            more, slower = lift.get((hour // 24, context), (1.0, 1.0))
            expected = 3000 * more * (1 + 0.7 * math.sin(2 * math.pi * hour / 24)) * math.exp(traffic[hour])
            calls = max(1, round(numbers.gauss(expected, math.sqrt(expected))))
            mean = 10 * slower * math.exp(times[hour])
            reads = calls * 0.05 * math.exp(cached[hour])
            rows.append(
                (
                    hour,
                    context,
                    calls,
                    calls * mean,
                    2 * calls * mean**2,
                    5 * calls,
                    round(reads),
                    calls * 0.01,
                )
            )
    with connection.cursor() as cursor:
        cursor.executemany(
            """insert into _wedding_dbopt.context_hour (hour, context, calls, exec_ms, exec_sq, rows, hit, read, above)
               values (timestamptz '2001-03-01Z' + %s * interval '1 hour', %s, %s, %s, %s, 0, %s, %s, %s)""",
            rows,
        )


def trends(connection: Connection, day: int, span: str, compared: str) -> dict[str, Any]:
    row = connection.execute(
        """select _wedding_dbopt.trends(until - %s::interval, until) -> %s
           from (select timestamptz '2001-03-01Z' + %s * interval '1 day') v(until)""",
        [span, compared, day],
    ).fetchone()
    assert row is not None
    figures: dict[str, Any] = row[0]
    return figures


def verdicts(figures: dict[str, Any]) -> list[bool]:
    return [
        figures[context][f"{figure}_significant"]
        for context in (*CONTEXTS, "all")
        for figure in ("calls", "mean_ms", "cache_hit")
    ]


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(("span", "days"), [("24 hours", 1), ("7 days", 7)])
def test_noise_is_not_a_trend(connection: Connection, span: str, days: int, memory: float) -> None:
    """Whatever one hour hands on to the next, at most one answer of twenty names a trend: of 38 answers, more than five
    have a chance of less than one in a hundred then."""
    plant_hours(connection, random.Random(SEED), 40 * days, {}, memory)
    answers = [
        verdicts(trends(connection, day, span, "previous_window")) for day in range(2 * days, 40 * days, days)
    ]
    assert all(verdict is not None for answer in answers for verdict in answer)
    false_alarms = sum(map(sum, answers)) / sum(map(len, answers))
    assert false_alarms <= 0.02, false_alarms
    assert sum(map(any, answers)) <= 5, [sum(answer) for answer in answers]


def test_a_trend_of_20_percent_is_reported(connection: Connection) -> None:
    tested = list(range(3, 40, 2))
    lift = {(day, "payment"): (1.0, 1.2) for day in tested} | {(day, "booking"): (2.0, 1.0) for day in tested}
    plant_hours(connection, random.Random(SEED + 1), 41, lift)
    found = [trends(connection, day + 1, "24 hours", "day_ago") for day in tested]
    slower = [answer["payment"] for answer in found]
    assert sum(one["mean_ms_significant"] for one in slower) >= 0.8 * len(tested)
    assert sum(one["mean_ms_change_percent"] for one in slower) / len(slower) == pytest.approx(20, abs=3)
    assert sum(answer["booking"]["calls_significant"] for answer in found) >= 0.8 * len(tested)
    others = [
        answer["timeline"][f"{name}_significant"]
        for answer in found
        for name in ("calls", "mean_ms", "cache_hit")
    ]
    assert sum(others) <= 0.05 * len(others)
    inside = [abs(one["mean_ms_change_percent"] - 20) <= one["mean_ms_margin_percent"] for one in slower]
    assert sum(inside) >= 0.8 * len(inside)


def test_a_trend_over_a_year(connection: Connection) -> None:
    """The 30 days a year ago come from the hourly sums by context."""
    lift = {(day, "payment"): (1.0, 1.2) for day in range(364, 395)}
    plant_hours(connection, random.Random(SEED + 2), 394, lift)
    figures = trends(connection, 394, "30 days", "year_ago")
    assert figures["payment"]["mean_ms_significant"] and not figures["timeline"]["mean_ms_significant"]
    assert figures["payment"]["mean_ms_change_percent"] == pytest.approx(20, abs=4)
