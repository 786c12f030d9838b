"""Every read function, found in the catalogue: what nobody can mean is refused with a hint, and a hot standby answers too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from tests.cluster import Cluster

Connection = psycopg.Connection[Any]
ABSURD = {
    "timestamptz": ("294276-12-30Z", "4713-01-01Z BC", "-infinity", "infinity"),
    "interval": ("170000000 years", "-170000000 years", "9000 years"),
    "text": ("", "100000000 years", "999999999999h"),
    "int4": ("2147483647", "-2147483648"),
    "int8": ("9223372036854775807", "-9223372036854775808"),
}
FUNCTIONS = """
select p.proname::text, p.proargnames::text[], p.pronargs - p.pronargdefaults,
  array(select t.typname::text from unnest(p.proargtypes) with ordinality as a (type, place)
        join pg_type t on t.oid = a.type order by a.place)
from pg_proc p
where p.pronamespace = 'wedding_dbopt'::regnamespace and p.prokind = 'f' and p.provolatile in ('s', 'i')
  and p.prolang <> (select oid from pg_language where lanname = 'plpython3u')
order by 1
"""
#: Arguments without a default.
NEEDED = {"first": "'first'", "second": "'second'", "run_id": "1", "action_id": "1"}


def calls(connection: Connection, absurd: bool) -> Iterator[str]:
    """Each read function, once as it stands, or once for each absurd value of each argument."""
    for name, arguments, required, types in connection.execute(FUNCTIONS).fetchall():
        given = {argument: NEEDED.get(argument, "null") for argument in (arguments or [])[:required]}
        chosen = (
            [
                {**given, argument: f"'{value}'"}
                for argument, kind in zip(arguments or [], types)
                for value in ABSURD.get(kind, ())
            ]
            if absurd
            else [given]
        )
        for values in chosen:
            given_values = ", ".join(f"{argument} => {value}" for argument, value in values.items())
            yield f"select count(answer::text) from wedding_dbopt.{name}({given_values}) as answer"


def answer(connection: Connection, call: str) -> psycopg.Error | None:
    try:
        connection.execute(call.encode()).fetchall()
    except psycopg.Error as error:
        return error
    return None


def test_an_absurd_argument_is_refused_with_a_hint_or_answered(connection: Connection) -> None:
    connection.execute("call wedding_dbopt.collect()")
    tried = {call: answer(connection, call) for call in calls(connection, absurd=True)}
    assert len(tried) > 100
    wrong = {
        call: str(error)
        for call, error in tried.items()
        if error and not (error.sqlstate in ("22023", "P0002") and error.diag.message_hint)
    }
    assert not wrong, "\n".join(f"{call}: {text}" for call, text in wrong.items())
    assert any(tried.values())


def test_every_read_function_answers_on_a_hot_standby() -> None:
    with Cluster() as cluster:
        cluster.install("test", "hypopg")
        with cluster.connect() as session:
            session.execute("create table booking (id integer primary key); select count(*) from booking")
            session.execute("call wedding_dbopt.maintain()")
            for _ in range(3):
                session.execute("select count(*) from booking")
                session.execute("call wedding_dbopt.collect()")
            session.execute("select wedding_dbopt.create_baseline('first')")
            session.execute("select wedding_dbopt.create_baseline('second')")
            session.execute("call wedding_dbopt.tick()")
        with cluster.standby() as standby, standby.connect() as reader:
            assert reader.execute("select pg_is_in_recovery()").fetchone() == (True,)
            tried = {call: answer(reader, call) for call in calls(reader, absurd=False)}
            assert len(tried) > 25
            wrong = {
                call: str(error)
                for call, error in tried.items()
                if error and not (error.sqlstate in ("22023", "P0002") and error.diag.message_hint)
            }
            assert not wrong, "\n".join(f"{call}: {text}" for call, text in wrong.items())
