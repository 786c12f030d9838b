"""Every public routine with odd values of each argument: a plain refusal or an answer, and nothing left in the tick's way."""

from __future__ import annotations

from typing import Any

import psycopg

Connection = psycopg.Connection[Any]

ODD = {
    "text": [
        "null",
        "''",
        "' '",
        "$$x'; drop table y;--$$",
        "repeat('x', 100000)",
        r"'%n%s\'",
        r"U&'\FFFF'",
        "'pg_catalog.pg_class'",
    ],
    "interval": [
        "null",
        "'0'",
        "'-1 hour'",
        "'178000000 years'",
        "'-178000000 years'",
        "'1 microsecond'",
        "'5000 years'",
    ],
    "timestamp with time zone": ["null", "'infinity'", "'-infinity'", "'4713-01-01 BC'", "'294276-12-31'"],
    "time without time zone": ["null", "'24:00'"],
    "integer": ["null", "0", "-1", "2147483647", "-2147483648"],
    "bigint": ["null", "0", "-1", "9223372036854775807", "-9223372036854775808"],
    "double precision[]": ["null", "'{}'", "'{null}'", "'{NaN}'", "'{-1}'"],
    "numeric": ["null", "'NaN'", "-1", "0", "1e300"],
    "boolean": ["null", "true", "false"],
    "text[]": [
        "null",
        "'{}'",
        "'{null}'",
        "array['']",
        "array['select 1; select 2']",
        "array[['a', 'b'], ['c', 'd']]",
    ],
}
ORDINARY = {
    "text": "'select 1'",
    "interval": "'1 hour'",
    "timestamp with time zone": "now()",
    "time without time zone": "'12:00'",
    "integer": "1",
    "bigint": "1",
    "boolean": "true",
}
#: What a person can act upon: ours, a bad argument, no right, and a thing of that name that there is not.
PLAIN = ("WD", "22023", "42501", "42704", "42P01", "P0002")
#: The jobs that stay for a minute or ten, as they should.
STAYS = "wedding_dbopt.collect_minute"

ROUTINES = """
select p.oid::regproc::text, p.prokind::text, p.proargnames, p.pronargs - p.pronargdefaults,
       array(select format_type(a.type, null) from unnest(p.proargtypes) with ordinality a (type, place) order by a.place)
from pg_proc p where p.pronamespace = 'wedding_dbopt'::regnamespace order by 1
"""


def calls(connection: Connection) -> list[str]:
    """One call for each odd value of each argument; the other arguments are ordinary ones or left out."""
    made = []
    for name, kind, names, needed, types in connection.execute(ROUTINES).fetchall():
        for place, kind_of_value in enumerate(types):
            for value in ODD[kind_of_value]:
                given = {names[i]: ORDINARY.get(types[i], "null") for i in range(needed)}
                given[names[place]] = f"cast({value} as {kind_of_value})"
                arguments = ", ".join(f"{argument} => {text}" for argument, text in given.items())
                made.append(f"{'call' if kind == 'p' else 'select * from'} {name}({arguments})")
    return [call for call in made if STAYS not in call]


def complaint(error: psycopg.Error) -> str | None:
    """What is wrong with how a refusal reads; None if it says what to do."""
    said = error.diag
    if not (error.sqlstate or "").startswith(PLAIN):
        return f"{error.sqlstate}: {said.message_primary}"
    if not said.message_hint:
        return f"no hint: {said.message_primary}"
    if "Traceback" in (said.context or ""):
        return f"a traceback: {said.message_primary}"
    return None


def test_odd_arguments_get_an_answer_or_a_refusal_with_a_hint(connection: Connection) -> None:
    connection.execute(
        "create table bookings as select g as id from generate_series(1, 1000) g; analyze bookings"
    )
    connection.execute("set statement_timeout = '60s'")
    made = calls(connection)
    assert len(made) > 400
    complaints = []
    for call in made:
        try:
            connection.execute(call.encode())
        except psycopg.Error as error:
            if found := complaint(error):
                complaints.append(f"{call[:150]}: {found}")
    assert not complaints, "\n".join(complaints)
    connection.execute("call wedding_dbopt.tick()")
    left = connection.execute(
        "select count(*) from _wedding_dbopt.tuning_run where state = 'queued'"
    ).fetchone()
    assert left == (0,)
    assert connection.execute("select to_regclass('bookings') is not null").fetchone() == (True,)


def test_a_run_that_cannot_begin_fails_and_does_not_stop_the_tick(connection: Connection) -> None:
    connection.execute(
        """insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, options)
           values ('call', 'someone', 'infinity', 'moderate', false, '{}')"""
    )
    connection.execute("call wedding_dbopt.tick()")
    run = connection.execute("select state, error, error_sqlstate from _wedding_dbopt.tuning_run").fetchone()
    assert run == ("failed", "at must be a time that comes", "22023")
