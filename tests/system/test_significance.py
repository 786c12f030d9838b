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
