"""What the dictionary makes of real statements: no client's data, the right context, our own left out, anew when rules change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.cluster import Cluster

Connection = psycopg.Connection[Any]

PLATFORM = """
create table vendors (id int, name text, city text);
create table bookings (id int primary key, vendor_id int, email text, amount numeric(12, 2), details jsonb);
create table payments (id int, booking_id int, amount numeric(12, 2));
create table guests (id int, wedding_id int, name text);
create table people (id int, note text);
create view overview as select b.id, (select count(*) from guests) as coming from people p join bookings b on b.id = p.id;
create function pay(booking int, amount numeric) returns void language plpgsql as $$
begin
  insert into payments values (1, pay.booking, pay.amount);
  perform count(*) from bookings where email = 'planted-in-function@example.com';
end $$;
create procedure pay_all(note text, card bigint) language sql as 'insert into people values (1, note)';
create schema api;
create view api.daily as select * from overview;
"""

#: Each plants data of a client: an e-mail, a card number, a name, a password.
PLANTED = [
    "select * from bookings where email = 'planted@example.com' and amount = 4111111111111111",
    "select $$planted@example.com$$, $tag$Jane Planted$tag$, E'esc\\'planted@example.com', U&'pl\\0061nted@example.com'",
    "select * from bookings /* for planted@example.com, 4111 1111 1111 1111 */ where id = 1 -- Jane Planted",
    "/*controller='bookings',user='Jane Planted',route='/people/planted@example.com'*/ select * from people where id = 3",
    "select * from bookings where id in (" + ", ".join(["4111111111"[:9]] * 5000) + ")",
    """select * from bookings where details @> '{"email": "planted@example.com", "card": 4111111111111111}'""",
    "select jsonb_build_object('name', 'Jane Planted', 'x', '{\"a\": [\"planted@example.com\"]}'::jsonb)",
    "insert into bookings (id, email) values (11, 'planted@example.com'), (12, 'Jane Planted')",
    "prepare planted(int) as select * from bookings where id = $1 and email = 'planted@example.com'",
    "execute planted(41111111)",
    "explain select * from bookings where email = 'planted@example.com' and id = 41111111",
    "copy (select * from bookings where email = 'planted@example.com') to stdout",
    "copy people from stdin",
    "call pay_all('Jane Planted', 4111111111111111)",
    "do $$begin perform 1 from bookings where email = 'planted@example.com'; end$$",
    "do 'begin perform 1 from bookings where email = ''planted@example.com''; end'",
    "create role planted_role login password 'planted-secret'",
    "alter role planted_role password 'planted-secret'",
    "drop role planted_role",
    "set application_name = 'Jane Planted'",
    "set app.customer = janeplanted",
    "select set_config('app.customer', 'Jane Planted', false)",
    "notify planted_channel, 'planted@example.com'",
    "comment on table people is 'Jane Planted'",
    "create table kept as select 'planted@example.com'::text as email",
    "create table defaulted (email text default 'planted@example.com')",
    "select pay(41111111, 4111111111.11)",
    "merge into people p using (select 7 as id) s on p.id = s.id when not matched then insert values (s.id, 'Jane Planted')",
    "begin",
    "declare planted_cursor cursor for select * from bookings where email = 'planted@example.com' and id > 41111111",
    "fetch 3 from planted_cursor",
    "commit",
    "create view planted_view as select * from bookings where email = 'planted@example.com'",
    "select * from planted_view where id = 41111111",
    "create function planted_function() returns text language sql as $f$select 'Jane Planted'::text$f$",
    "select planted_function()",
]
SIGNS = ("planted@", "jane", "41111111", "planted-secret", "planted-in-function")


@pytest.fixture(scope="module")
def tracked() -> Iterator[Cluster]:
    """A cluster that tracks utility and nested statements too."""
    settings = {"pg_stat_statements.track": "all", "pg_stat_statements.track_utility": "on"}
    with Cluster(**settings) as running:
        running.install("test", "hypopg")
        yield running


@pytest.fixture
def platform(tracked: Cluster) -> Iterator[Connection]:
    """A superuser's session in a fresh copy of the platform, whose clients send literals in their texts."""
    with tracked.connect() as admin:
        admin.execute("create database platform")
    tracked.install("platform")
    with psycopg.connect(
        tracked.conninfo("platform"), autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as session:
        session.execute(PLATFORM)
        session.execute("call wedding_dbopt.collect()")
        session.execute("call wedding_dbopt.tick()")
        yield session
    with tracked.connect() as admin:
        admin.execute("drop database platform with (force)")


def run(session: Connection, statement: str) -> None:
    if not statement.startswith("copy"):
        session.execute(statement.encode())
        return
    with session.cursor().copy(statement.encode()) as stream:
        if statement.endswith("stdin"):
            stream.write("41111111\tplanted@example.com\n")
        else:
            list(stream)


def rows(session: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return session.execute(query.encode(), values or None).fetchall()


def context(session: Connection, like: str) -> tuple[Any, ...]:
    """kind, context, criticality and own of the statement whose stored text is like this.

    PostgreSQL 18 counts a cursor's query apart from its declaration, under the same text.
    """
    found = rows(
        session,
        """select distinct s.kind, s.context, s.criticality, s.own from _wedding_dbopt.statement s
           join _wedding_dbopt.statement_text t on t.statement_id = s.id
           where s.toplevel and t.query ilike %s and s.dbid = (select oid from pg_database where datname = current_database())""",
        like,
    )
    assert len(found) == 1, (like, found)
    return found[0]


def everything_stored(session: Connection) -> str:
    """All rows of our tables and all answers of the read functions, in lower case."""
    tables = rows(
        session,
        "select c.oid::regclass::text from pg_class c where c.relnamespace = '_wedding_dbopt'::regnamespace and c.relkind = 'r'",
    )
    reads = rows(
        session,
        """select format('%s()', p.oid::regproc) from pg_proc p
           join _wedding_dbopt.access_policy() a on a.routine = p.oid::regproc::text and a.level = 'read'
           where p.pronargs = p.pronargdefaults""",
    )
    assert len(tables) > 15 and len(reads) > 10
    text = []
    for (source,) in [*tables, *reads]:
        text += [str(row[0]) for row in rows(session, f"select to_jsonb(x) from {source} x")]
    return json.dumps(text, ensure_ascii=False).lower()


def test_no_literal_of_a_client_is_stored_anywhere(platform: Connection) -> None:
    for repetition in range(2):  # the second round meets prepared statements whose entries were reset
        for statement in PLANTED:
            if repetition == 0 or statement.startswith(("select", "insert", "copy", "call", "explain")):
                if statement.startswith("insert"):
                    platform.execute("truncate bookings")
                run(platform, statement)
        source = " ".join(row[0].lower() for row in rows(platform, "select query from pg_stat_statements"))
        assert "planted@example.com" in source and (repetition or "planted-secret" in source)
        platform.execute("call wedding_dbopt.collect()")
        platform.execute("call wedding_dbopt.tick()")
        platform.execute("execute planted(3)")
        platform.execute("select pg_stat_statements_reset()")
        platform.execute("execute planted(4)")  # comes back as the client wrote it
    platform.execute("call wedding_dbopt.collect()")
    platform.execute("call wedding_dbopt.tick()")
    stored = everything_stored(platform)
    assert "planted_cursor" in stored  # identifiers are no data
    assert not [sign for sign in SIGNS if sign in stored]


def test_the_same_query_with_other_literals_has_the_same_id(platform: Connection) -> None:
    def ids() -> list[tuple[Any, ...]]:
        platform.execute("call wedding_dbopt.collect()")
        return rows(
            platform,
            """select query_hash, total_calls from wedding_dbopt.get_query_performance(1000, 0)
               where query like '%stable_id%'""",
        )

    platform.execute("select id as stable_id from bookings where email = 'a@example.com' and id = 1")
    (before,) = ids()
    platform.execute("select id as stable_id from bookings where email = 'bb@example.com' and id = 22222")
    platform.execute(
        "select id as stable_id from bookings where email = $$c$$ and id = 3 /* somebody else's */"
    )
    (after,) = ids()
    assert (before[1], after[1]) == (1, 3) and before[0] == after[0]


def test_what_a_statement_touches_decides_its_context(platform: Connection) -> None:
    for statement in (
        "select o.id as through_view from overview o",
        "select d.id as through_two_views from api.daily d",
        "select pay(1, 2) as through_function",
        "/*controller='bookings',action='show'*/ select p.id as by_tag from people p",
        "select p.id, p.id as by_tag_behind from people p /*controller='bookings',action='show'*/",
        "select p.id as by_nothing from people p where note = 'bookings' /* bookings */",
        "prepare read_guests(int) as select g.name as prepared_name from guests g where id = $1",
        "execute read_guests(1)",
        "copy payments to stdout",
        "explain (costs off) select name as explained_name from vendors",
        "vacuum guests",
        "begin",
        "declare guest_cursor cursor for select * from guests",
        "commit",
        "select count(*) as monitoring from pg_stat_activity a, pg_stat_user_tables",
    ):
        run(platform, statement)
    platform.execute("call wedding_dbopt.collect()")
    platform.execute("call wedding_dbopt.tick()")
    assert context(platform, "%through_view%") == ("select", "booking", "critical", False)
    assert context(platform, "%through_two_views%") == ("select", "booking", "critical", False)
    assert context(platform, "%through_function%") == ("select", "payment", "critical", False)
    if (
        platform.info.server_version < 180000
    ):  # then pg_stat_statements leaves out what stands before a statement
        assert context(platform, "%by_tag from%") == ("select", "booking", "critical", False)
    assert context(platform, "%by_tag_behind%") == ("select", "booking", "critical", False)
    assert context(platform, "%by_nothing%") == ("select", "other", "medium", False)
    assert context(platform, "select g.name as prepared%") == ("select", "guest_management", "medium", False)
    assert context(platform, "copy payments%") == ("utility", "payment", "critical", False)
    assert context(platform, "explain%explained_name%") == ("utility", "vendor_search", "high", False)
    assert context(platform, "vacuum guests") == ("utility", "guest_management", "medium", False)
    assert context(platform, "declare%") == ("utility", "guest_management", "medium", False)
    assert context(platform, "%monitoring%") == ("select", "other", "low", False)
    behind = "select s.tables from _wedding_dbopt.statement s join _wedding_dbopt.statement_text t on t.statement_id = s.id"
    assert rows(platform, behind + " where t.query like '%through_two_views%'") == [
        (["api.daily", "public.overview", "public.guests", "public.people", "public.bookings"],)
    ]


def test_changed_rules_and_views_change_the_stored_contexts(platform: Connection) -> None:
    platform.execute("select p.id as of_people from people p")
    platform.execute("select o.id as of_view from overview o")
    platform.execute("select b.id as of_bookings from bookings b")
    platform.execute("call wedding_dbopt.collect()")
    platform.execute("call wedding_dbopt.tick()")
    pending = "select _wedding_dbopt.pending('statements')"
    calls = """select sum(calls)::int from _wedding_dbopt.context_sample where context = 'guest_management'"""
    assert rows(platform, pending) == [(False,)] and rows(platform, calls) == [(None,)]

    platform.execute("select wedding_dbopt.set_context_rule('people', 'guest_management', 'low')")
    assert rows(platform, pending) == [(True,)]
    assert context(platform, "%of_people%")[1] == "other"  # readable until it is replaced
    platform.execute("call wedding_dbopt.tick()")
    assert context(platform, "%of_people%")[1:3] == ("guest_management", "low")
    assert rows(platform, pending) == [(False,)] and rows(platform, calls) == [
        (2,)
    ]  # the view reads people too

    platform.execute("drop view overview cascade; create view overview as select v.id from vendors v")
    assert rows(platform, pending) == [(True,)]
    platform.execute(
        "update _wedding_dbopt.statement set context = 'timeline' where context = 'booking' and not indirect"
    )
    platform.execute("call wedding_dbopt.tick()")
    assert context(platform, "%of_view%")[1] == "vendor_search"
    assert context(platform, "%of_bookings%")[1] == "timeline"  # not on a view: not looked at
    assert rows(platform, pending) == [(False,)]

    (hashed,) = rows(
        platform,
        "select query_hash from wedding_dbopt.get_query_performance(1000, 0) where query like '%of_bookings%'",
    )
    platform.execute(
        "select wedding_dbopt.set_context_rule(%s, 'payment', 'low', part => 'statement')", [hashed[0]]
    )
    platform.execute("call wedding_dbopt.tick()")
    assert context(platform, "%of_bookings%")[1:3] == ("payment", "low")
    platform.execute("select wedding_dbopt.remove_context_rule(%s, 'statement')", [hashed[0]])
    platform.execute("call wedding_dbopt.tick()")
    assert context(platform, "%of_bookings%")[1:3] == ("booking", "critical")


def test_our_own_statements_are_told_from_a_users(platform: Connection) -> None:
    rpc = """with pgrst_source as (select pgrst_call.* from "wedding_dbopt"."health"() pgrst_call)
             select count(*) as rpc from pgrst_source"""
    ours = (
        rpc,
        "select * from WEDDING_DBOPT.get_settings() as unquoted",
        "call wedding_dbopt.maintain()",
        "explain select * from wedding_dbopt.get_season()",
        "create index concurrently wd_people_id_0123abcd on people (id)",
        "drop index concurrently wd_people_id_0123abcd",
    )
    users = (
        "select 'wedding_dbopt.health()' as in_literal from bookings",
        "select id as in_comment from bookings /* wedding_dbopt.tick() */ -- wedding_dbopt.tick()",
        "select wedding_dbopt.email as as_alias from bookings as wedding_dbopt",
        "select id as wedding_dbopt from guests",
    )
    for statement in (*ours, *users):
        run(platform, statement)
    own = """select bool_and(s.own), count(*) from _wedding_dbopt.statement s
             join pg_stat_statements p using (queryid, dbid, userid, toplevel)
             where p.query = any (%s) and s.dbid = (select oid from pg_database where datname = current_database())"""
    for _ in range(2):  # by the text alone, then by what was parsed
        platform.execute("call wedding_dbopt.collect()")
        ((all_own, count),) = rows(platform, own, list(ours))
        assert all_own and count >= len(ours)
        platform.execute("call wedding_dbopt.tick()")
    shown = " ".join(
        str(row[0])
        for row in rows(platform, "select query from wedding_dbopt.get_query_performance(1000, 0)")
    )
    words = ("in_comment", "as_alias", "as wedding_dbopt", "select $1 as in_literal")
    assert [word for word in words if word not in shown] == []
    assert "rpc" not in shown and "unquoted" not in shown and "get_season" not in shown
    platform.execute("set search_path = public, wedding_dbopt")
    platform.execute("alter role postgres in database platform set search_path = public, wedding_dbopt")
    platform.execute("select count(*) as unqualified from get_settings()")
    platform.execute("call wedding_dbopt.collect()")
    platform.execute("call wedding_dbopt.tick()")
    assert context(platform, "%unqualified%")[3]
