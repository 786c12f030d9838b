"""Planning runs code of whoever wrote a statement: no path may run it with more rights than its author has.

Each attack plants something that would record the rights it ran with, then every path that plans is taken: analyze_query
as a superuser, as a superuser after SET ROLE and as an ordinary caller; the recommendation over given statements and
over the collected workload.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.cluster import Cluster

Connection = psycopg.Connection[Any]

#: What a hostile body tries: to become superuser in every way there is; each success leaves a row in public.loot.
GRAB = """
begin
  begin execute 'reset role'; exception when others then null; end;
  begin execute 'set role postgres'; exception when others then null; end;
  begin execute 'set session authorization postgres'; exception when others then null; end;
  begin execute 'reset session authorization'; exception when others then null; end;
  perform set_config('attack.ran_as', current_user::text, false);
  begin
    if (select rolsuper from pg_roles where rolname = current_user) then
      execute 'alter role {role} superuser';
    end if;
  exception when others then null; end;
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
      begin
        perform set_config('attack.later_as', current_user::text, false);
        execute 'alter role {role} superuser';
        return null;
      exception when others then return null;
      end $t$$sql$;
    execute 'create constraint trigger later after insert on planted deferrable initially deferred
             for each row execute function pg_temp.later()';
    execute 'insert into planted values (1)';
  exception when others then null; end;
  begin
    execute 'declare held cursor with hold for select pg_temp.escalate()';
  exception when others then null; end;
"""


def is_superuser(connection: Connection, role: str) -> bool:
    row = connection.execute("select rolsuper from pg_roles where rolname = %s", [role]).fetchone()
    assert row is not None
    return bool(row[0])


def settings(connection: Connection) -> tuple[str, str]:
    row = connection.execute(
        "select coalesce(current_setting('attack.ran_as', true), ''), coalesce(current_setting('attack.later_as', true), '')"
    ).fetchone()
    assert row is not None
    return str(row[0]), str(row[1])


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
@pytest.mark.parametrize("path", ["superuser", "set role", "caller", "given queries", "workload"])
def test_no_path_gives_an_author_more_rights(
    cluster: Cluster, connection: Connection, database: str, hostile: str, attack: str, extra: str, path: str
) -> None:
    plant, statement = (
        part.format(schema=hostile, grab=GRAB.format(role=hostile, extra=extra.format(role=hostile)))
        for part in ATTACKS[attack]
    )
    with cluster.connect(database, hostile) as author:
        author.execute(plant)
    connection.execute(f"grant usage on schema {hostile} to public")
    connection.execute("select wedding_dbopt.grant_access(%s, 'analyze')", [hostile])
    take(cluster, connection, database, hostile, statement, path)
    assert not is_superuser(connection, hostile)
    ran_as, later_as = settings(connection)
    assert ran_as in ("", hostile), f"the attack ran as {ran_as}"
    assert later_as == "", f"what was planted ran later as {later_as}"
    assert connection.execute("select count(*) from pg_cursors where name = 'held'").fetchone() == (0,)
    assert connection.execute(
        "select count(*) from pg_prepared_statements where name like 'wedding%%'"
    ).fetchone() == (0,)


def take(
    cluster: Cluster, connection: Connection, database: str, author: str, statement: str, path: str
) -> None:
    """Take one of the paths that plan a statement; refusing it is fine."""
    try:
        if path == "superuser":
            connection.execute("select wedding_dbopt.analyze_query(%s)", [statement])
        elif path == "set role":
            connection.execute(f"set role {author}")
            connection.execute("select wedding_dbopt.analyze_query(%s)", [statement])
        elif path == "caller":
            with cluster.connect(database, author) as caller:
                caller.execute("select wedding_dbopt.analyze_query(%s)", [statement])
        elif path == "given queries":
            connection.execute("select * from wedding_dbopt.recommend_indexes(array[%s])", [statement])
        else:
            remember(connection, author, statement)
            connection.execute("select * from wedding_dbopt.recommend_indexes()")
    except psycopg.Error as error:
        assert error.sqlstate in ("WD005", "WD006"), error
    finally:
        connection.execute("reset role")


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
           t as (insert into _wedding_dbopt.statement_text select id, %s from s)
           insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
           select now() - interval '1 minute', now() - interval '2 minutes', true, array_agg(id),
                  array_agg(100), array_agg(100000), array_agg(1000) from s""",
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
