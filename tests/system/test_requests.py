"""Requests from outside: who may not is refused, what is wrong is named with a SQLSTATE, and no name is code."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from tests.cluster import Cluster
from tests.system.tuner import Tuner

Connection = psycopg.Connection[Any]
PYTHON = re.compile(r"Traceback|\b[A-Z]\w*Error\b(?<!plpy\.Error)|NoneType|spiexceptions")

ROUTINES = """
select format('%s %s(%s)', case p.prokind when 'p' then 'call' else 'select * from' end, p.oid::regproc,
              (select string_agg('null::' || format_type(a.type, null), ', ' order by a.place)
               from unnest(p.proargtypes::oid[]) with ordinality a (type, place))) as statement
from pg_proc p where p.pronamespace = 'wedding_dbopt'::regnamespace order by 1
"""
READS = """
select format('select * from %s()', p.oid::regproc) from pg_proc p
join _wedding_dbopt.access_policy() a on a.routine = p.oid::regproc::text and a.level = 'read'
where p.pronargs = p.pronargdefaults order by 1
"""


def statements(connection: Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query.encode()).fetchall()]


def refused(connection: Connection, sql: str, *values: Any) -> psycopg.Error:
    """The error of a statement that must fail, which must be one that a person can read."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(sql.encode(), values or None)
    readable(caught.value)
    return caught.value


def readable(error: psycopg.Error) -> None:
    assert error.sqlstate not in (None, "XX000", "38000"), error
    assert not PYTHON.search(error.diag.message_primary or ""), error.diag.message_primary


def test_a_role_without_rights_is_refused_everything(
    cluster: Cluster, connection: Connection, database: str, role: str
) -> None:
    routines = statements(connection, ROUTINES)
    assert len(routines) >= 30
    with cluster.connect(database, role) as nobody:
        for routine in routines:
            assert refused(nobody, routine).sqlstate == "42501", routine
    connection.execute(f"grant usage on schema wedding_dbopt, _wedding_dbopt to {role}".encode())
    with cluster.connect(database, role) as nobody:
        for routine in routines:
            assert refused(nobody, routine).sqlstate == "42501", routine


def test_null_in_every_argument_is_answered_or_refused_in_words(connection: Connection) -> None:
    for routine in statements(connection, ROUTINES):
        try:
            connection.execute(routine.encode())
        except psycopg.Error as error:
            readable(error)


def test_an_operator_needs_no_right_on_the_tables(cluster: Cluster, tuner: Tuner, role: str) -> None:
    tuner.table(rows=10)
    action = tuner.action("booking", "vendor", "proposed")
    tuner.run("select wedding_dbopt.grant_access(%s, 'operate')", role)
    with cluster.connect(tuner.database, role) as operator:
        for call in (
            "optimize_database()",
            f"approve({action})",
            f"rollback_action({action})",
            "pause()",
            "resume()",
        ):
            assert (
                operator.execute(f"select wedding_dbopt.{call} -> 'success'".encode()).fetchone() or [None]
            )[0] is True
        for forbidden in (
            "delete from _wedding_dbopt.action",
            "update _wedding_dbopt.action set sql = '{drop table booking}'",
        ):
            assert refused(operator, forbidden).sqlstate == "42501"
        assert (
            refused(operator, "select wedding_dbopt.set_setting('executor_dsn', 'host=evil')").sqlstate
            == "42501"
        )
    assert (
        tuner.value("select reason from _wedding_dbopt.event where to_state = 'approved'")
        == f"approved by {role}"
    )


def test_read_functions_answer_in_a_read_only_transaction(connection: Connection) -> None:
    reads = statements(connection, READS)
    assert len(reads) >= 13
    connection.execute("set default_transaction_read_only = on")
    for read in reads:
        assert connection.execute(read.encode()).description, read


@pytest.mark.parametrize(
    ("query", "sqlstate"),
    [
        (None, "WD001"),
        ("", "WD001"),
        (" \n\t -- nothing\n /* at all */ ; ", "WD001"),
        ("select 1; select 2", "WD002"),
        ("select 1; drop table booking", "WD002"),
        ("drop table booking", "WD004"),
        ("create table x as select 1", "WD004"),
        ("select 1 into x", "WD004"),
        ("explain analyze delete from booking", "WD004"),
        ("copy booking to program 'id'", "WD004"),
        ("do $$ begin end $$", "WD004"),
        ("set role postgres", "WD004"),
        ("selec 1", "WD003|WD004|WD005"),
        ("(((", "WD003"),
        ("select '", "WD003"),
        ("\x01\x02\U0001f470", "WD003|WD004|WD005"),
        ("select * from nowhere", "WD005"),
        ("select 1/0 from booking where", "WD003|WD005"),
        ("select '" + "x" * 3_000_000 + "'", "WD003"),
        ("select " + "(" * 20000 + "1" + ")" * 20000, "WD003|WD005"),
        ("select " + " + ".join(["1"] * 20000), "WD003|WD005"),
    ],
    ids=lambda value: (repr(value)[:24] if value != "" else "empty") if not isinstance(value, int) else None,
)
def test_a_query_that_cannot_be_analysed_is_refused_with_its_own_code(
    tuner: Tuner, query: str | None, sqlstate: str
) -> None:
    tuner.table(rows=10)
    error = refused(tuner.session, "select wedding_dbopt.analyze_query(%s)", query)
    assert re.fullmatch(sqlstate, error.sqlstate or ""), error
    assert tuner.value("select count(*) from booking") == 10
    if sqlstate == "WD001":
        assert error.diag.message_primary == "Query is required"
        assert error.diag.message_hint == "Pass one SELECT, INSERT, UPDATE, DELETE or MERGE statement."


@pytest.mark.parametrize(
    ("call", "sqlstate"),
    [
        ("analyze_query('select 1', 'x', 'extreme')", "22023"),
        ("analyze_query('select 1', 'x', null)", "22023"),
        ("optimize_database('extreme')", "22023"),
        ("recommend_indexes(array[array['select 1'], array['select 2']])", "22023"),
        ("recommend_indexes(array['select 1'], array[null::float8])", "22023"),
        ("recommend_indexes(array['select 1'], array['nan'::float8])", "22023"),
        ("recommend_indexes(array['select 1'], array[1, 2]::float8[])", "22023"),
        ("recommend_indexes(array['select 1'], time_budget => '-1 s')", "22023"),
        ("recommend_indexes(array['select 1'], max_width => 99)", "22023"),
        ("approve(-1)", "P0002"),
        ("rollback_action(9223372036854775807)", "P0002"),
        ("rollback_run(0)", "P0002"),
        ("set_setting('no such', '1')", "22023"),
        ("set_setting('verification_min_gain', 'NaN')", "22023"),
        ("set_setting('verification_min_gain', 'Infinity')", "22023"),
        ("set_setting('apply_attempts', '2.5')", "22023"),
        ("set_setting('lock_timeout', 'soon')", "22023"),
        ("set_setting('time_zone', 'Moon/Base')", "22023"),
        ("set_setting('enabled', 'maybe')", "22023"),
        ("grant_access('public')", "42704"),
        ("grant_access('postgres', 'root')", "22023"),
    ],
)
def test_a_wrong_argument_is_named(connection: Connection, call: str, sqlstate: str) -> None:
    assert refused(connection, f"select * from wedding_dbopt.{call}").sqlstate == sqlstate


def test_a_setting_is_checked_however_its_value_was_written_before(connection: Connection) -> None:
    for name, first, nonsense in (
        ("lock_timeout", "1 minute 30 seconds", "soon"),
        ("min_disk_free", "5e-2", "a lot"),
        ("min_disk_free", "0", "0.5 or so"),
    ):
        connection.execute("select wedding_dbopt.set_setting(%s, %s)", [name, first])
        assert (
            refused(connection, "select wedding_dbopt.set_setting(%s, %s)", name, nonsense).sqlstate
            == "22023"
        )
    connection.execute("select wedding_dbopt.set_setting('min_disk_free', '0.2')")


def test_a_nul_byte_reaches_no_function(connection: Connection) -> None:
    for nul in (r"E'select 1\000'", r"convert_from('\x73656c00'::bytea, 'UTF8')"):
        assert refused(connection, f"select wedding_dbopt.analyze_query({nul})").sqlstate == "22021"


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_hostile_names_go_through_the_whole_loop(cluster: Cluster, role: str, encoding: str) -> None:
    """Built and rolled back on a table whose name is an attack, in a schema with quotes, in the database's encoding."""
    database = 'hostile "; drop database'
    with cluster.connect() as admin:
        admin.execute(
            f"""create database "hostile ""; drop database" encoding {encoding} locale 'C' template template0""".encode()
        )
    try:
        cluster.install(database, "hypopg")
        with Tuner(cluster, database) as tuner:
            whole_loop(tuner, role)
    finally:
        with cluster.connect() as admin:
            admin.execute('drop database "hostile ""; drop database" with (force)')


def whole_loop(tuner: Tuner, role: str) -> None:
    schema, table = '"Weird ""schema"""', '"x""; drop table y;--"'
    tuner.run(f"create schema {schema}; grant usage on schema {schema} to {role}")
    tuner.run("create table y (id integer)")
    tuner.table(f"{schema}.{table}")
    tuner.run(f"""alter table {schema}.{table} rename column vendor to "véndor""; --" """)
    tuner.run(f"grant select on {schema}.{table} to {role}")
    before = tuner.indexes()
    query = f"""select sum(amount) from {schema}.{table} where "véndor""; --" = {{number}}"""
    tuner.observed(query, user=role)
    tuner.tune()
    action = tuner.only_action()
    tuner.process()
    assert tuner.state(action) == "verifying", tuner.reason(action)
    assert len(tuner.indexes()) == len(before) + 1
    tuner.observed(query, user=role)
    tuner.process()
    assert tuner.state(action) == "kept", tuner.reason(action)
    tuner.run("select wedding_dbopt.rollback_action(%s)", action)
    tuner.process()
    assert (tuner.state(action), tuner.indexes()) == ("rolled_back", before)
    assert tuner.value("select count(*) from y") == 0


def test_a_table_of_the_roles_own_schema_is_found_by_its_path(tuner: Tuner, role: str) -> None:
    for number, (schema, path) in enumerate(
        ((role, '"$user", public'), ('"Odd, ""one"""', '"Odd, ""one""", public'))
    ):
        tuner.run(f"create schema {schema}; grant usage on schema {schema} to {role}")
        tuner.table(f"{schema}.own{number}", rows=5000)
        tuner.run(f"grant select on {schema}.own{number} to {role}")
        tuner.run(f"alter role {role} in database {tuner.database} set search_path = {path}")
        tuner.observed(f"select sum(amount) from own{number} where vendor = {{number}}", user=role)
        tuner.tune("dry_run => true")
        found = tuner.column(
            "select table_name from wedding_dbopt.get_recommendations() where kind = 'index_creation'"
        )
        assert f"own{number}" in found


@pytest.mark.parametrize("after", ["200ms", "700ms", "1300ms"])
def test_a_cancelled_call_ends_with_the_servers_own_error(connection: Connection, after: str) -> None:
    """Wherever it is: while it reads, plans, makes hypothetical indexes or computes."""
    connection.execute(
        "create table guests as select g as id, g % 999 as party, g % 99 as side from generate_series(1, 20000) g"
    )
    connection.execute("analyze guests")
    joined = "select * from guests a join guests b using (party) join guests c on c.side = b.id where a.id = {} and c.party = {}"
    slow = [joined.format(number, number) for number in range(600)]
    connection.execute("select set_config('statement_timeout', %s, false)", [after])
    for call, value in (
        ("select count(*) from wedding_dbopt.recommend_indexes(%s)", slow),
        (
            "select wedding_dbopt.analyze_query(%s, measure => true)",
            "select count(*) from guests a, guests b",
        ),
    ):
        error = refused(connection, call, value)
        assert error.sqlstate == "57014"
        assert error.diag.message_primary == "canceling statement due to statement timeout"
        assert "Traceback" not in (error.diag.context or "")
        assert connection.execute("select count(*) from hypopg()").fetchone() == (0,)


def test_a_cancel_among_hypothetical_indexes_leaves_none_behind(connection: Connection) -> None:
    connection.execute(
        "create table guests as select g as id, repeat('x', 90) from generate_series(1, 20000) g"
    )
    connection.execute("analyze guests")
    connection.execute("""do language plpython3u $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
from wedding_dbopt.database import StatementCancelled
from wedding_dbopt.planning import PlanningSession
made_as = PlanningSession._made_as
def cancelled(session, role, statements):
    assert made_as(session, role, statements)
    raise StatementCancelled("canceling statement due to user request")
PlanningSession._made_as = cancelled
$$""")
    error = refused(
        connection,
        "select count(*) from wedding_dbopt.recommend_indexes(%s)",
        ["select * from guests where id = 7"],
    )
    assert error.sqlstate == "57014"
    assert connection.execute("select count(*) from hypopg()").fetchone() == (0,)


def test_a_cancelled_tuning_run_is_over_and_the_next_one_works(tuner: Tuner) -> None:
    tuner.table()
    tuner.observed("select * from booking where vendor = {number}")
    state = "select state, error_sqlstate from _wedding_dbopt.tuning_run order by id desc limit 1"
    tuner.tune("dry_run => true")  # everything is loaded by now, so the next one begins at once
    assert tuner.row(state) == ("finished", None)
    tuner.run("set statement_timeout = '300ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        tuner.run("call wedding_dbopt.run_tuning(dry_run => true)")
    tuner.run("set statement_timeout = 0")
    assert tuner.row(state) == ("failed", "57014")
    tuner.tune("dry_run => true")
    assert tuner.row(state) == ("finished", None)
