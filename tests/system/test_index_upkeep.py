"""Advice on indexes that are there: the same judgement as the findings, tried before it is given, carried out and undone."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]

PLATFORM = """
create table vendors (id int primary key, city int not null, name text not null);
insert into vendors select g, g % 50, 'vendor ' || g from generate_series(1, 20000) g;
create table bookings (id int primary key, vendor_id int not null references vendors, status int not null, day date not null);
insert into bookings select g, g % 20000 + 1, g % 4, date '2026-01-01' + g % 300 from generate_series(1, 60000) g;
create index first_day on bookings (day);
create index second_day on bookings (day);
create index day_status on bookings (day, status);
create index by_status on bookings (status, day, id);
vacuum analyze vendors;
vacuum analyze bookings;
"""
ASK = """
select kind, index_name, implementation_sql, rollback_sql, reason from wedding_dbopt.recommend_indexes(%s)
where kind <> 'index_creation' order by 1, 2
"""
IDEAS = """
create function ideas() returns jsonb language plpython3u as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
import json
from wedding_dbopt.database import SpiDatabase
from wedding_dbopt.tuning.recommend import index_ideas
database = SpiDatabase(plpy)
run = database.query("insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode) "
                     "values ('call', 'test', now(), 'moderate', false) returning id")[0]["id"]
return json.dumps([[i.kind, i.object, i.sql, i.rollback_sql, i.reason, i.safety] for i in index_ideas(database, run)])
$$
"""
DEFINITIONS = (
    "select indexdef from pg_indexes where schemaname = 'public' union all "
    "select 'invalid ' || indexrelid::regclass from pg_index where not indisvalid order by 1"
)


def prepared(connection: Connection) -> None:
    for statement in PLATFORM.strip().split(";"):
        if statement.strip():
            connection.execute(statement.encode())


def test_of_indexes_that_do_the_same_one_stays_and_each_deed_has_its_undo(connection: Connection) -> None:
    prepared(connection)
    before = connection.execute(DEFINITIONS).fetchall()
    found = connection.execute(ASK, [["select * from bookings where day = $1"]]).fetchall()
    assert [(kind, name) for kind, name, *_ in found] == [
        ("index_drop", "first_day"),
        ("index_drop", "second_day"),
    ]
    for _, _, sql, _, _ in found:
        connection.execute(sql.encode())
    assert connection.execute(ASK, [["select * from bookings where day = $1"]]).fetchall() == []
    for _, _, _, undo, _ in found:
        connection.execute(undo.encode())
    assert connection.execute(DEFINITIONS).fetchall() == before
    told = connection.execute(
        "select object from wedding_dbopt.findings() where kind = 'redundant_index' order by 1"
    ).fetchall()
    assert told == [("public.first_day",), ("public.second_day",)]


def test_an_invalid_index_is_rebuilt_and_what_a_rebuild_left_behind_is_dropped(
    connection: Connection,
) -> None:
    prepared(connection)
    connection.execute("create index first_day_ccnew on bookings (day)")
    connection.execute(
        "update pg_index set indisvalid = false where indexrelid in ('by_status'::regclass, 'first_day_ccnew'::regclass)"
    )
    found = {
        name: (kind, sql)
        for kind, name, sql, _, _ in connection.execute(ASK, [["select * from bookings"]]).fetchall()
    }
    assert found["by_status"] == ("reindex", "REINDEX INDEX CONCURRENTLY public.by_status")
    assert found["first_day_ccnew"] == ("index_drop", "DROP INDEX CONCURRENTLY public.first_day_ccnew")


BROKEN = """
create table t (id int, a int, b int);
insert into t select g, g / 2, g % 10 from generate_series(1, 20000) g;
analyze t;
"""


def advised(connection: Connection, sql: str = "select * from t where a = 5") -> list[tuple[str, str]]:
    rows = connection.execute(
        "select kind, implementation_sql from wedding_dbopt.recommend_indexes(%s) order by 1", [[sql]]
    )
    return [(str(kind), str(text)) for kind, text in rows.fetchall()]


def test_an_invalid_index_that_the_search_wants_is_made_once(connection: Connection) -> None:
    connection.execute(BROKEN)
    connection.execute("create index inv_a on t (a); create index inv_b on t (b)")
    connection.execute("update pg_index set indisvalid = false where indrelid = 't'::regclass")
    creation, drop, rebuild = advised(connection)
    assert creation[0] == "index_creation" and drop == (
        "index_drop",
        "DROP INDEX CONCURRENTLY public.inv_a",
    )
    assert rebuild == ("reindex", "REINDEX INDEX CONCURRENTLY public.inv_b")
    for statement in (creation[1], drop[1], rebuild[1]):
        connection.execute(statement.encode())
    assert advised(connection) == []


def test_a_unique_index_that_could_not_be_made_is_dropped(connection: Connection) -> None:
    connection.execute(BROKEN)
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("create unique index concurrently inv_a on t (a)")
    connection.execute(IDEAS.encode())
    assert advised(connection)[1:] == [("index_drop", "DROP INDEX CONCURRENTLY public.inv_a")]
    row = connection.execute("select ideas()").fetchone()
    assert row is not None
    ((kind, _, _, _, reason, safety),) = row[0]
    assert (kind, safety) == ("index_drop", "consent")
    assert "writes" not in reason and "make it anew once its keys are unique" in reason


def test_what_a_dead_build_left_under_our_name_goes_before_the_index_is_made(connection: Connection) -> None:
    connection.execute(BROKEN)
    ((_, create),) = advised(connection)
    connection.execute(create.encode())
    connection.execute("update pg_index set indisvalid = false where indrelid = 't'::regclass")
    ((_, again),) = advised(connection)
    drop, same = again.split(";\n")
    assert drop.startswith("DROP INDEX CONCURRENTLY IF EXISTS") and same == create
    analysed = connection.execute(
        "select wedding_dbopt.analyze_query('select * from t where a = 5') #>> '{index_recommendations,0,implementation_sql}'"
    ).fetchone()
    assert analysed == (again,)
    for statement in (drop, same):
        connection.execute(statement.encode())
    assert advised(connection) == []


def test_a_name_that_another_table_s_index_bears_is_not_given_again(connection: Connection) -> None:
    connection.execute(BROKEN)
    ((_, create),) = advised(connection)
    connection.execute(create.encode())
    connection.execute("alter table t rename to t_old")
    connection.execute(BROKEN)
    ((_, other),) = advised(connection)
    assert other != create
    connection.execute(other.encode())
    assert advised(connection) == []


def test_an_index_is_hidden_before_its_drop_is_advised(connection: Connection) -> None:
    """`by_status` is called redundant, but the wider index that should replace it makes a statement much dearer."""
    prepared(connection)
    connection.execute("alter table bookings add note text")
    connection.execute("update bookings set note = repeat(md5(id::text), 9)")
    connection.execute("create index wide_status on bookings (status, day, id, note)")
    connection.execute("vacuum (full, analyze) bookings")
    connection.execute(IDEAS.encode())
    connection.execute("call wedding_dbopt.collect()")
    for _ in range(5):
        connection.execute(
            "select status, day, id from bookings order by status, day, id offset 59000 limit 10"
        )
        connection.execute("select * from bookings where day = '2026-03-01'")
    connection.execute("call wedding_dbopt.collect()")
    connection.execute("select _wedding_dbopt.classify_statements()")
    before = connection.execute(DEFINITIONS).fetchall()
    row = connection.execute("select ideas()").fetchone()
    assert row is not None
    dropped = {name: (reason, safety) for kind, name, _, _, reason, safety in row[0] if kind == "index_drop"}
    assert "by_status" not in dropped
    assert {"first_day", "second_day"} <= set(dropped)
    assert all("planne" in reason and safety == "consent" for reason, safety in dropped.values())
    assert connection.execute(DEFINITIONS).fetchall() == before


def test_a_foreign_key_that_deletes_look_along_gets_an_index(connection: Connection) -> None:
    prepared(connection)
    connection.execute(IDEAS.encode())
    connection.execute("call wedding_dbopt.collect()")
    connection.execute("alter table bookings drop constraint bookings_vendor_id_fkey")
    connection.execute("delete from vendors where id > 19990")
    connection.execute("delete from bookings where vendor_id > 19990")
    connection.execute(
        "alter table bookings add foreign key (vendor_id) references vendors on delete cascade"
    )
    connection.execute("select pg_stat_force_next_flush()")
    connection.execute("call wedding_dbopt.collect()")
    row = connection.execute("select ideas()").fetchone()
    assert row is not None
    made = [(sql, undo) for kind, _, sql, undo, _, _ in row[0] if kind == "index_creation"]
    assert any('("vendor_id")' in sql[0] for sql, _ in made), row[0]
