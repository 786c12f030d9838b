"""Where a statement hides what it asks for: CTEs, subqueries, views, policies and changes of data all lead to an index."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.cluster import Cluster

Connection = psycopg.Connection[Any]

PLATFORM = """
create table vendor (id int primary key, name text not null, city int not null);
insert into vendor select g, md5(g::text), g % 300 from generate_series(1, 20000) g;
create table booking (id int primary key, vendor int not null, owner int not null, day date not null, note text);
insert into booking select g, g % 5000, g % 4000, date '2024-01-01' + g % 700, md5(g::text)
from generate_series(1, 60000) g;
create table archive (id int primary key, vendor int, note text);
create view busy as select b.*, v.name from booking b join vendor v on v.id = b.vendor where b.owner = 77;
create view busier as select * from busy where day > '2024-02-01';
create view guarded with (security_barrier) as select * from booking where day < '2030-01-01';
create table private (id int primary key, owner int not null, body text not null);
insert into private select g, g % 4000, md5(g::text) from generate_series(1, 60000) g;
alter table private enable row level security;
create policy own on private using (owner = current_setting('app.owner')::int);
vacuum analyze
"""
#: Each statement with the leading column of the index it should lead to.
SOURCES = {
    "with b as (select * from booking where vendor = 5) select count(*) from b": "booking.vendor",
    "with b as materialized (select * from booking where vendor = 5) select * from b": "booking.vendor",
    "with b as not materialized (select * from booking) select note from b where vendor = 5": "booking.vendor",
    "with a as (select * from booking), b as (select * from a) select note from b where owner = 5": "booking.owner",
    "with recursive r as (select id, vendor from booking where id = 7 union all "
    "select b.id, b.vendor from booking b join r on b.vendor = r.id) select * from r": "booking.vendor",
    "select name from vendor where id in (select vendor from booking where owner = 5)": "booking.owner",
    "select id from vendor v where city = 7 and exists (select from booking b where b.vendor = v.id)": "booking.vendor",
    "select (select max(day) from booking b where b.vendor = v.id) from vendor v where v.id < 9": "booking.vendor",
    "select * from (select note, owner from booking) x where x.owner = 5": "booking.owner",
    "select v.id, b.id from vendor v, lateral (select id from booking where vendor = v.id limit 3) b "
    "where v.id < 9": "booking.vendor",
    "select id from booking where vendor = 5 union all select id from archive": "booking.vendor",
    "select * from busy": "booking.owner",
    "select * from busier where id > 5": "booking.owner",
    "select note from guarded where vendor = 5": "booking.vendor",
    "update booking set note = 'x' where vendor = $1": "booking.vendor",
    "update booking b set note = 'x' from vendor v where v.id = b.owner and v.id = 7": "booking.owner",
    "delete from booking where owner = $1": "booking.owner",
    "delete from booking b using vendor v where v.id = b.vendor and v.id = 7": "booking.vendor",
    "insert into archive select id, vendor, note from booking where vendor = 5": "booking.vendor",
    "merge into archive a using (select * from booking where owner = 5) b on a.id = b.id "
    "when not matched then insert values (b.id, b.vendor, b.note)": "booking.owner",
    "with gone as (delete from booking where vendor = 5 returning *) insert into archive "
    "select id, vendor, note from gone": "booking.vendor",
}
ADVICE = """
select table_name, columns[1], implementation_sql from wedding_dbopt.recommend_indexes(array[%s], include_existing => false)
"""


def prepared(connection: Connection) -> None:
    for statement in PLATFORM.split(";\n"):
        connection.execute(statement.encode())


def cost(connection: Connection, query: str) -> float:
    connection.execute("set plan_cache_mode = force_generic_plan")
    connection.execute(f"prepare judged as {query}".encode())
    given = "(null)" if "$1" in query else ""
    row = connection.execute(f"explain (format json) execute judged{given}".encode()).fetchone()
    connection.execute("deallocate judged")
    assert row is not None
    return float(row[0][0]["Plan"]["Total Cost"])


def test_every_source_leads_to_an_index_that_its_statement_uses(connection: Connection) -> None:
    prepared(connection)
    connection.prepare_threshold = None
    for query, wanted in SOURCES.items():
        found = connection.execute(ADVICE, [query]).fetchall()
        assert wanted in [f"{table}.{column}" for table, column, _ in found], (query, found)
        before = cost(connection, query)
        with connection.transaction(force_rollback=True):
            for _, _, create in found:
                connection.execute(create.replace(" CONCURRENTLY", "").encode())
            assert cost(connection, query) < 0.7 * before, query


def test_a_policy_that_nobody_wrote_into_the_statement_leads_to_an_index(
    connection: Connection, cluster: Cluster, database: str, role: str
) -> None:
    prepared(connection)
    connection.execute(f"grant select on private to {role}".encode())
    connection.execute("select wedding_dbopt.grant_access(%s, 'analyze')", [role])
    with cluster.connect(database, role) as session:
        session.execute("set app.owner = '5'")
        [(table, column, _)] = session.execute(ADVICE, ["select body from private"]).fetchall()
    assert (table, column) == ("private", "owner")
    assert connection.execute(ADVICE, ["select body from private"]).fetchall() == []


def test_a_window_that_moves_with_the_clock_gets_an_index_that_does_not_rot(connection: Connection) -> None:
    prepared(connection)
    connection.execute("update booking set day = current_date - id % 2000")
    connection.execute("vacuum analyze booking")
    query = "select note from booking where day >= current_date - 30 and vendor < 3000"
    found = connection.execute(ADVICE, [query]).fetchall()
    assert [create for table, column, create in found if column == "day" and " WHERE " not in create], found
    # The planner proves a predicate from constants only, and now() is none: a dated partial index would serve nobody.
    connection.execute("create index dated on booking (day) where day >= '2000-01-01'")
    connection.execute("analyze booking")
    plan = connection.execute(f"explain {query}".encode()).fetchall()
    assert not any("dated" in line for (line,) in plan), plan
    row = connection.execute("select current_date - 30").fetchone()
    assert row is not None
    known = query.replace("current_date - 30", f"'{row[0]}'")
    assert any("dated" in line for (line,) in connection.execute(f"explain {known}".encode()).fetchall())
