"""Indexes that begin at a date: offered for constants, used by them, and renewed when the clock has moved on."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.system.tuner import Tuner

Connection = psycopg.Connection[Any]

#: Four years of bookings behind today and a quarter of a year ahead.
PLATFORM = """
create table visit (id int primary key, venue int not null, day date not null, at timestamptz not null, note text);
insert into visit select g, g % 997, current_date + 90 - g * 7919 % 1550, now() - g * interval '18 minutes', repeat('x', 60)
from generate_series(1, 120000) g;
vacuum analyze visit
"""
ADVICE = """
select implementation_sql, where_clause, reason, confidence
from wedding_dbopt.recommend_indexes(array[%s], include_existing => false)
"""


def prepared(connection: Connection) -> None:
    for statement in PLATFORM.split(";\n"):
        connection.execute(statement.encode())


def day(connection: Connection, days: int) -> str:
    row = connection.execute("select (current_date + %s)::text", [days]).fetchone()
    assert row is not None
    return str(row[0])


def plan(connection: Connection, query: str) -> str:
    return str(connection.execute(f"explain {query}".encode()).fetchall())


def test_a_literal_date_leads_to_an_index_that_its_plan_uses_and_those_behind_the_clock_do_not(
    connection: Connection,
) -> None:
    """F12."""
    prepared(connection)
    connection.prepare_threshold = None
    query = f"select note from visit where venue = 7 and day >= '{day(connection, -10)}'"
    found = connection.execute(ADVICE, [query]).fetchall()
    assert found
    for create, where, reason, confidence in found:
        assert where.startswith('"day" >= ') and "It is dated." in reason and confidence < 0.8
        connection.execute(create.replace(" CONCURRENTLY", "").encode())
    connection.execute("analyze visit")
    names = [create.split('"')[1] for create, *_ in found]
    assert all(name in plan(connection, query) for name in names), plan(connection, query)
    name = names[-1]
    assert name in plan(connection, query.replace(day(connection, -10), day(connection, 30)))
    # The value is known to a plan made for it, and to no generic one.
    connection.execute("prepare asked(date) as select note from visit where venue = 7 and day >= $1")
    execute = f"execute asked('{day(connection, -10)}')"
    assert name in plan(connection, execute)
    connection.execute("set plan_cache_mode = force_generic_plan")
    assert name not in plan(connection, execute)
    moved = "select note from visit where venue = 7 and day >= current_date - 10"
    assert name not in plan(connection, moved)
    for hidden in (moved, "select note from visit where venue = 7 and day >= $1"):
        found = connection.execute(ADVICE, [hidden]).fetchall()
        assert all(clause is None for _, clause, _, _ in found), found
        assert any("no smaller index with a date" in said for _, _, said, _ in found), found


def test_the_age_of_a_date_that_a_session_shows_is_kept_and_no_constant(tuner: Tuner) -> None:
    prepared(tuner.session)
    since = day(tuner.session, -10)
    query = f"select count(*) from visit where venue = 7 and day >= '{since}' and id > 5"
    with tuner.cluster.connect(tuner.database, prepare_threshold=None) as session:
        session.execute(query.encode())
        tuner.collect()
        tuner.run("select _wedding_dbopt.classify_statements()")
        assert not tuner.value("select _wedding_dbopt.pending('statements')")
    [(parameter, days, seen)] = tuner.rows("select parameter, most_days, seen from _wedding_dbopt.bound_age")
    assert (parameter, seen) == (2, 1) and 9.9 < float(days) < 11.1
    # A number is no date: it is not looked at again.
    assert tuner.column(
        "select lower_bounds from _wedding_dbopt.statement where lower_bounds is not null"
    ) == [[2]]
