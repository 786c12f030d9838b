"""Planning runs code of whoever wrote a statement: no path may run it with more rights than its author has.

Each attack plants code that leaves a mark of the role it ran as. A mark must outlive the rollback of everything: it is a
session's advisory lock. Then every path that plans is taken: analyze_query as a superuser, as a superuser after
SET ROLE, as an ordinary caller, and with measurement, which runs the statement; the recommendation over given
statements and over the collected workload.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.cluster import Cluster

Connection = psycopg.Connection[Any]

RAN, POWERFUL, LATER = 7001, 7002, 7003
#: Leaves the marks: as whom it ran, and whether that role may read everything.
MARK = """
  perform pg_advisory_lock({ran}, (select oid::integer from pg_roles where rolname = current_user));
  if (select rolsuper from pg_roles where rolname = current_user) or pg_has_role(current_user, 'pg_read_all_data', 'usage') then
    perform pg_advisory_lock({powerful}, (select oid::integer from pg_roles where rolname = current_user));
  end if;
"""
#: What a hostile body tries: to become superuser in every way there is, and to put itself in the place of the
#: functions that run it.
GRAB = """
declare
  fn record;
begin
  begin execute 'reset role'; exception when others then null; end;
  begin execute 'set role postgres'; exception when others then null; end;
  begin execute 'set session authorization postgres'; exception when others then null; end;
  begin execute 'reset session authorization'; exception when others then null; end;
  begin execute 'set transaction_read_only = off'; exception when others then null; end;
  if current_setting('server_version_num')::integer < 160000 then  -- newer ones refuse to reset it
    perform set_config('transaction_read_only', null, false);  -- without a handler, whose end would set it again
  end if;
  {mark}
  for fn in select p.proname, pg_get_function_arguments(p.oid) as arguments from pg_proc p
            where p.pronamespace = pg_my_temp_schema() and p.proname like 'wedding%' loop
    begin
      execute format(
        'create or replace function pg_temp.%I(%s) returns text language plpgsql security invoker as %L',
        fn.proname, fn.arguments, 'begin {mark_quoted} return null; end');
    exception when others then null; end;
  end loop;
  {extra}
"""

ATTACKS = {
    "immutable function": (
        "create function {schema}.f(integer) returns integer language plpgsql immutable as $f$ {grab} return 1; end $f$",
        "select * from {schema}.victim where id = {schema}.f(3)",
    ),
    "stable function": (
        "create function {schema}.f(integer) returns integer language plpgsql stable as $f$ {grab} return 1; end $f$",
        "select * from {schema}.victim where id = {schema}.f(3)",
    ),
    "operator": (
        """create function {schema}.f(integer, integer) returns boolean language plpgsql immutable
             as $f$ {grab} return true; end $f$;
           create operator {schema}.=== (leftarg = integer, rightarg = integer, function = {schema}.f)""",
        "select * from {schema}.victim where 1 operator({schema}.===) 2",
    ),
    "domain check while a hypothetical index is made": (
        """create function {schema}.f(integer) returns boolean language plpgsql volatile as $f$ {grab} return true; end $f$;
           create domain {schema}.d as integer check ({schema}.f(value));
           create table {schema}.states as
             select g as id, array[case when g % 10 = 0 then g % 7 else 9 end]::integer[] as n from generate_series(1, 20000) g;
           alter table {schema}.states add column ds {schema}.d[];
           update {schema}.states set ds = n::{schema}.d[];
           analyze {schema}.states""",
        "select id from {schema}.states where ds = '{{1}}' and id > 100",
    ),
    "domain check while a literal is read": (
        """create function {schema}.f(integer) returns boolean language plpgsql immutable as $f$ {grab} return true; end $f$;
           create domain {schema}.d as integer check ({schema}.f(value));
           create table {schema}.list (ds {schema}.d[])""",
        "select * from {schema}.list where ds = '{{1}}'",
    ),
    "view": (
        """create function {schema}.f(integer) returns integer language plpgsql immutable as $f$ {grab} return 1; end $f$;
           create view {schema}.v as select * from {schema}.victim where id = {schema}.f(3)""",
        "select * from {schema}.v",
    ),
    "policy": (
        """create function {schema}.f(integer) returns boolean language plpgsql immutable as $f$ {grab} return true; end $f$;
           create table {schema}.guarded (id integer);
           alter table {schema}.guarded enable row level security;
           alter table {schema}.guarded force row level security;
           create policy p on {schema}.guarded using ({schema}.f(1))""",
        "select * from {schema}.guarded",
    ),
    "policy while a sample is read": (
        """create function {schema}.f() returns boolean language plpgsql stable as $f$ {grab} return true; end $f$;
           create table {schema}.texts as
             select g as id, 'a wedding ' || md5(g::text) as body from generate_series(1, 5000) g;
           analyze {schema}.texts;
           alter table {schema}.texts enable row level security;
           alter table {schema}.texts force row level security;
           create policy p on {schema}.texts using ({schema}.f())""",
        "select id from {schema}.texts where to_tsvector('english', body) @@ to_tsquery('english', 'wedding')",
    ),
    "policy while a ranked search is tried": (
        """create function {schema}.f() returns boolean language plpgsql stable as $f$ {grab} return true; end $f$;
           create function {schema}.ts_rank(tsvector, tsquery) returns real language plpgsql as $f$ {grab} return 1; end $f$;
           create table {schema}.texts as
             select g as id, 'a wedding ' || md5(g::text) as body from generate_series(1, 5000) g;
           analyze {schema}.texts;
           alter table {schema}.texts enable row level security;
           alter table {schema}.texts force row level security;
           create policy p on {schema}.texts using ({schema}.f())""",
        "select id from {schema}.texts where to_tsvector('english', body) @@ to_tsquery('english', 'wedding') "
        "order by ts_rank(to_tsvector('english', body), to_tsquery('english', 'wedding')) limit 3",
    ),
    "check while rows are generated": (
        """create function {schema}.f(integer) returns boolean language plpgsql immutable as $f$ {grab} return true; end $f$;
           create function {schema}.g(integer) returns integer language plpgsql immutable as $f$ {grab} return 1; end $f$;
           create table {schema}.checked (id integer check ({schema}.f(id)),
             made integer generated always as ({schema}.g(id)) stored)""",
        "select * from {schema}.checked where coalesce(id, 0) = 1",
    ),
    "index expression": (
        """create function {schema}.f(integer) returns integer language plpgsql immutable as $f$ {grab} return 1; end $f$;
           create table {schema}.indexed (id integer);
           create index on {schema}.indexed ((id + {schema}.f(1)))""",
        "select * from {schema}.indexed where id = 1",
    ),
}
DEFERRED = """
  begin
    execute 'create temporary table if not exists planted (id integer)';
    execute $sql$create or replace function pg_temp.later() returns trigger language plpgsql as $t$
      begin perform pg_advisory_lock({later}, 1); return null; end $t$$sql$;
    execute 'create constraint trigger later after insert on planted deferrable initially deferred
             for each row execute function pg_temp.later()';
    execute 'insert into planted values (1)';
  exception when others then null; end;
  begin
    execute 'declare held cursor with hold for select pg_advisory_lock({later}, 2)';
  exception when others then null; end;
"""


def body(extra: str) -> str:
    """A hostile function's body up to its last statement."""
    mark = MARK.format(ran=RAN, powerful=POWERFUL)
    return GRAB.format(mark=mark, mark_quoted=mark.replace("'", "''"), extra=extra.format(later=LATER))


def marks(connection: Connection, kind: int) -> set[str]:
    """The roles, by name, that left a mark in any session."""
    rows = connection.execute(
        """select coalesce(r.rolname, l.objid::text) from pg_locks l left join pg_roles r on r.oid = l.objid
           where l.locktype = 'advisory' and l.classid = %s""",
        [kind],
    ).fetchall()
    return {row[0] for row in rows}


@pytest.fixture
def hostile(connection: Connection, role: str) -> str:
    """A schema of an ordinary role, with a table."""
    connection.execute(f"create schema {role} authorization {role}")
    connection.execute(f"set role {role}")
    connection.execute(f"create table {role}.victim (id integer primary key)")
    connection.execute("reset role")
    return role


@pytest.mark.parametrize("extra", ["", DEFERRED], ids=["at once", "deferred"])
@pytest.mark.parametrize("attack", sorted(ATTACKS))
@pytest.mark.parametrize("path", ["superuser", "set role", "caller", "measured", "given queries", "workload"])
def test_no_path_gives_an_author_more_rights(
    cluster: Cluster, connection: Connection, database: str, hostile: str, attack: str, extra: str, path: str
) -> None:
    plant, statement = (part.format(schema=hostile, grab=body(extra)) for part in ATTACKS[attack])
    with cluster.connect(database, hostile) as author:
        author.execute(plant)
    connection.execute(f"grant usage on schema {hostile} to public")
    connection.execute("select wedding_dbopt.grant_access(%s, 'analyze')", [hostile])
    with cluster.connect(database, hostile if path == "caller" else "postgres") as session:
        take(session, hostile, statement, path)
        session.execute("reset role")
        assert marks(connection, RAN) <= {hostile, "wedding_dbopt_planner"}
        assert marks(connection, POWERFUL) == set()
        assert marks(connection, LATER) == set()
        assert session.execute("select count(*) from pg_cursors where name = 'held'").fetchone() == (0,)
        leftovers = "select count(*) from pg_prepared_statements where name like 'wedding%'"
        assert session.execute(leftovers.encode()).fetchone() == (0,)
        assert session.execute(
            "select count(*) from pg_proc where proname like 'wedding_dbopt_%%'"
        ).fetchone() == (0,)


def test_who_measures_runs_no_code_of_a_table_that_reading_would_not(
    cluster: Cluster, connection: Connection, database: str, hostile: str
) -> None:
    """Rows are generated for the referee: the owner's CHECK and generated columns must not run as the reader."""
    plant, statement = (
        part.format(schema=hostile, grab=body("")) for part in ATTACKS["check while rows are generated"]
    )
    with cluster.connect(database, hostile) as author:
        author.execute(plant)
        author.execute(f"create domain {hostile}.d as integer check ({hostile}.f(value))")
        author.execute(f"alter table {hostile}.checked add column other {hostile}.d")
    connection.execute(f"create role reader login; grant usage on schema {hostile} to reader")
    connection.execute(f"grant select on {hostile}.checked to reader")
    try:
        connection.execute("select wedding_dbopt.grant_access('reader', 'analyze')")
        with cluster.connect(database, "reader") as reader:
            row = reader.execute(
                "select wedding_dbopt.analyze_query(%s, measure => true)", [statement]
            ).fetchone()
            assert row is not None
            assert row[0]["referee"]["verdict"] == "equal", row[0]["referee"]
            assert row[0]["referee"]["not_checked"] != []
            assert marks(connection, RAN) <= {hostile}
    finally:
        connection.execute("drop owned by reader; drop role reader")


def take(session: Connection, author: str, statement: str, path: str) -> None:
    """Take one of the paths that plan a statement; refusing it is fine."""
    try:
        if path in ("superuser", "caller"):
            session.execute("select wedding_dbopt.analyze_query(%s)", [statement])
        elif path == "measured":
            session.execute("select wedding_dbopt.analyze_query(%s, measure => true)", [statement])
        elif path == "set role":
            session.execute(f"set role {author}")
            session.execute("select wedding_dbopt.analyze_query(%s)", [statement])
        elif path == "given queries":
            session.execute("select * from wedding_dbopt.recommend_indexes(array[%s])", [statement])
        else:
            remember(session, author, statement)
            session.execute("select * from wedding_dbopt.recommend_indexes()")
    except psycopg.Error as error:
        assert error.sqlstate in ("WD005", "WD006"), error


def test_the_marks_are_seen_where_nothing_protects(
    cluster: Cluster, connection: Connection, database: str, hostile: str
) -> None:
    """A superuser who plans the statement himself is caught: the attack works, so its absence means something."""
    plant, statement = (part.format(schema=hostile, grab=body("")) for part in ATTACKS["immutable function"])
    with cluster.connect(database, hostile) as author:
        author.execute(plant)
    with cluster.connect(database) as session:
        session.execute(f"explain {statement}".encode())
        assert marks(connection, POWERFUL) == {"postgres"}


def test_sql_named_in_a_string_is_not_planned_with_rights(connection: Connection, hostile: str) -> None:
    """table_to_xml runs a view named in a string while the planner estimates: no dependency shows it."""
    connection.execute(f"grant usage on schema {hostile} to public; create view {hostile}.v as select 1 as x")
    statement = f"select * from pg_class where relname = table_to_xml('{hostile}.v', true, false, '')::text"
    with pytest.raises(psycopg.Error) as refused:
        connection.execute("select wedding_dbopt.analyze_query(%s)", [statement])
    assert refused.value.sqlstate == "WD006"


def test_a_procedure_runs_no_function_of_an_open_schema(
    cluster: Cluster, connection: Connection, database: str, role: str
) -> None:
    """An overload that fits better than the built-in one must not be found."""
    connection.execute(f"grant create on schema public to {role}")
    with cluster.connect(database, role) as author:
        for name, arguments, result in (
            ("format", "text, text, text", "text"),
            ("jsonb_build_object", "text, boolean", "jsonb"),
            ("lower", "text", "text"),
        ):
            author.execute(
                f"create function public.{name}({arguments}) returns {result} language plpgsql as "
                f"$f$ begin {MARK.format(ran=RAN, powerful=POWERFUL)} return null; end $f$"
            )
    with cluster.connect(database) as session:
        session.execute("call wedding_dbopt.run_tuning()")
        session.execute("call wedding_dbopt.process_actions()")
        session.execute("call wedding_dbopt.tick()")
        session.execute("call wedding_dbopt.maintain()")
        assert marks(connection, RAN) == set()
        assert session.execute("show search_path").fetchone() == ('"$user", public',)


def remember(connection: Connection, author: str, statement: str) -> None:
    """Put the statement into the collected workload twice: as its author's and as a superuser's."""
    connection.execute(
        """with s as (
             insert into _wedding_dbopt.statement
               (queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality, classified_at)
             select row_number() over (), d.oid, r.oid, true, now(), 'select', array['x.y'], 'other', 'low', now()
             from pg_database d, pg_roles r
             where d.datname = current_database() and r.rolname in (%s, 'postgres')
             returning id),
           t as (select _wedding_dbopt.store_texts(array_agg(id), array_agg(%s::text)) from s)
           insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
           select now() - interval '1 minute', now() - interval '2 minutes', true, array_agg(id),
                  array_agg(100), array_agg(100000), array_agg(1000) from s, (select count(*) from t) as stored""",
        [author, statement],
    )


def test_honest_statement_of_a_superuser_is_planned(connection: Connection) -> None:
    connection.execute("create table honest as select g as id from generate_series(1, 1000) g")
    row = connection.execute(
        "select wedding_dbopt.analyze_query('select * from honest where id = 5')"
    ).fetchone()
    assert row is not None
    assert row[0]["execution_plan"]["total_cost"] > 0


def test_row_security_is_planned_as_the_callers(
    cluster: Cluster, connection: Connection, database: str, role: str
) -> None:
    connection.execute(
        f"""create table notes as select g as id, 'u' || g % 50 as owner from generate_series(1, 5000) g;
            alter table notes enable row level security;
            create policy own on notes using (owner = current_setting('app.user', true));
            grant select on notes to {role}"""
    )
    connection.execute("select wedding_dbopt.grant_access(%s, 'analyze')", [role])
    with cluster.connect(database, role) as caller:
        row = caller.execute(
            "select wedding_dbopt.analyze_query('select * from notes where id = 5')"
        ).fetchone()
    assert row is not None
    assert "app.user" in str(row[0]["execution_plan"])
