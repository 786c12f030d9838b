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
    # A text that tells nothing is not looked at again and again.
    with tuner.cluster.connect(tuner.database, prepare_threshold=None) as session:
        tuner.run("delete from _wedding_dbopt.bound_age where parameter = 0")
        tuner.run("update _wedding_dbopt.bound_age set seen_at = seen_at - interval '2 hours'")
        session.execute(f"select 1; {query}".encode())
        assert tuner.value("select _wedding_dbopt.pending('statements')")
        tuner.run("select _wedding_dbopt.classify_statements()")
        assert not tuner.value("select _wedding_dbopt.pending('statements')")
    tuner.run("delete from _wedding_dbopt.bound_age where parameter = 0")
    [(parameter, days, seen)] = tuner.rows("select parameter, most_days, seen from _wedding_dbopt.bound_age")
    assert (parameter, seen) == (2, 1) and 9.9 < float(days) < 11.1
    # A number is no date: it is not looked at again.
    assert tuner.column(
        "select lower_bounds from _wedding_dbopt.statement where lower_bounds is not null"
    ) == [[2]]


HELD = "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = 'visit'::regclass and not indisprimary"
LATER = "now() + interval '8 months'"


def test_a_dated_index_is_advised_applied_and_renewed_when_the_clock_has_moved_on(
    tuner: Tuner, role: str
) -> None:
    """F12."""
    prepared(tuner.session)
    tuner.set(mode_index_creation="auto", mode_index_renewal="approve", mode_statistics="off")
    tuner.run(f"grant select on visit to {role}")
    asked = f"select count(note) from visit where venue = {{number}} and day >= '{day(tuner.session, -10)}'"
    with tuner.cluster.connect(tuner.database, role, prepare_threshold=None) as session:
        session.execute(asked.replace("{number}", "1").encode())
        tuner.observed(asked, user=role)
        tuner.run("select _wedding_dbopt.classify_statements()")
    # One day of watching tells nothing yet.
    tuner.tune()
    assert not tuner.value("select exists (select from _wedding_dbopt.action where details ? 'dated')")
    tuner.run("update _wedding_dbopt.action set state = 'withdrawn'")
    tuner.run("update _wedding_dbopt.recommendation set status = 'withdrawn'")
    tuner.run(
        """insert into _wedding_dbopt.bound_age
           select day - g, statement_id, parameter, 3, most_days, seen_at
           from _wedding_dbopt.bound_age, generate_series(1, 20) g"""
    )
    tuner.tune()
    [(action, details, text)] = tuner.rows(
        "select id, details, description from _wedding_dbopt.action where state = 'approved'"
    )
    assert details["dated"]["column"] == "day" and "followed the clock for 20 days" in text
    tuner.process()
    assert tuner.state(action) == "verifying", tuner.reason(action)
    tuner.observed(asked, user=role)
    tuner.process()
    assert tuner.state(action) == "kept", tuner.reason(action)
    old = tuner.name(action)
    assert tuner.rows(HELD) == [(old, True)]
    tuner.set(mode_index_creation="off")  # whether a wider one spares enough hangs on the machine's speed
    # Nothing is renewed before its time.
    tuner.tune()
    assert tuner.value("select count(*) from _wedding_dbopt.action where action_type = 'index_renewal'") == 0
    tuner.run(
        """insert into visit select 200000 + g, g % 997, current_date + 90 + g * 7919 % 240, now(), repeat('x', 60)
           from generate_series(1, 18000) g"""
    )
    tuner.run("vacuum analyze visit")
    tuner.tune(f"at => {LATER}")
    [(renewal, held)] = tuner.rows(
        "select id, details from _wedding_dbopt.action where action_type = 'index_renewal' and state = 'proposed'"
    )
    assert held["old"] == old and held["dated"]["boundary"] > details["dated"]["boundary"]
    tuner.run("select wedding_dbopt.approve(%s)", renewal)
    tuner.process()
    assert tuner.state(renewal) == "verifying", tuner.reason(renewal)
    new = tuner.name(renewal)
    assert sorted(tuner.rows(HELD)) == sorted([(old, False), (new, True)])
    later = asked.replace(day(tuner.session, -10), day(tuner.session, 230))
    tuner.observed(later, user=role)
    tuner.process()
    assert tuner.state(renewal) == "kept", tuner.reason(renewal)
    assert tuner.rows(HELD) == [(new, True)]
    assert new in str(tuner.rows(f"explain {later.replace('{number}', '5')}"))
    tuner.tick()
    assert (tuner.state(action), tuner.reason(action)) == ("rolled_back", f"renewed by action {renewal}")
    # It is renewed itself in its time, and comes back when that is wanted.
    tuner.run("select wedding_dbopt.rollback_action(%s)", renewal)
    tuner.process()
    assert tuner.state(renewal) == "rolled_back" and tuner.rows(HELD) == [(old, True)]
