"""Index advice for partitioned tables: one index of the whole, made part by part, valid at the end, and taken back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.system.tuner import Tuner

Connection = psycopg.Connection[Any]

VISITS = """
create table visit (id bigint, day date not null, vendor int not null, page text, words text[])
partition by range (day);
create table visit_old partition of visit for values from (minvalue) to ('2025-01-01');
create table visit_now partition of visit for values from ('2025-01-01') to (maxvalue) partition by list (vendor);
create table visit_one partition of visit_now for values in (1);
create table "visit rest" partition of visit_now default;
insert into visit select g, date '2024-06-01' + g % 400, g % 3000, md5(g::text), array['w' || g % 500]
from generate_series(1, 120000) g;
create view recent as select * from visit where day >= '2024-09-01';
vacuum analyze visit_old;
vacuum analyze visit_one;
vacuum analyze "visit rest"
"""
ADVISED = """
select table_name, columns, implementation_sql, rollback_sql, estimated_improvement, estimated_bytes
from wedding_dbopt.recommend_indexes(array[%s], include_existing => false)
"""
PARTS = """
select count(*), bool_and(indisvalid) from pg_index
where indrelid in (select relid from pg_partition_tree('visit'))
"""

BYTES = """
select sum(pg_relation_size(indexrelid))::bigint from pg_index
where indrelid in (select relid from pg_partition_tree('visit'))
"""


def prepared(connection: Connection) -> None:
    for statement in VISITS.split(";"):
        connection.execute(statement.encode())


def test_beside_an_index_of_the_whole_its_partitions_get_none(connection: Connection) -> None:
    """Its index makes one on each of them, also for the statement that names a partition."""
    prepared(connection)
    advised = connection.execute(
        """select table_name, columns, jsonb_array_length(benefits), reason
           from wedding_dbopt.recommend_indexes(array[%s, %s, %s], include_existing => false)""",
        [
            "select page from visit where vendor = $1",
            "select page from visit_old where vendor = $1",
            'select page from "visit rest" where vendor = $1',
        ],
    ).fetchall()
    ((table, columns, statements, reason),) = advised
    assert (table, columns[0], statements) == ("visit", "vendor", 3)
    assert "visit_old" in reason and "visit rest" in reason
    alone = connection.execute(ADVISED, ["select page from visit_old where vendor = $1"]).fetchall()
    assert [row[0] for row in alone] == ["visit_old"]


@pytest.mark.parametrize(
    "query",
    [
        "select page from visit where vendor = 77",
        "select page from visit where vendor = $1",
        "select page from visit where day = $1 and vendor = $2",
        "select page from recent where vendor = 77",
        "select v.page from (values (5), (6)) a (vendor) join visit v using (vendor)",
        "delete from visit where vendor = $1",
    ],
)
def test_one_index_of_the_whole_table_is_advised_and_its_statements_make_it(
    connection: Connection, query: str
) -> None:
    prepared(connection)
    [(table, columns, create, drop, gain, size)] = connection.execute(ADVISED, [query]).fetchall()
    assert (table, columns[0]) == ("visit", "vendor")
    assert gain > 90
    for statement in create.split(";\n"):
        connection.execute(statement.encode())
    assert connection.execute(PARTS).fetchone() == (5, True)
    real = connection.execute(BYTES).fetchone()
    assert real is not None and abs(size - real[0]) <= 0.25 * real[0]
    assert connection.execute(ADVISED, [query]).fetchall() == []
    for statement in drop.split(";\n"):
        connection.execute(statement.encode())
    assert connection.execute(PARTS).fetchone() == (0, None)


def test_a_search_index_of_a_partitioned_table_is_proven_and_can_be_made(connection: Connection) -> None:
    prepared(connection)
    query = "select id from visit where words @> array['w77']"
    [(table, _, create, _, gain, _)] = connection.execute(ADVISED, [query]).fetchall()
    assert table == "visit" and gain > 50
    for statement in create.split(";\n"):
        connection.execute(statement.encode())
    assert connection.execute(PARTS).fetchone() == (5, True)


def test_a_partition_named_by_the_statement_is_advised_alone(connection: Connection) -> None:
    prepared(connection)
    query = "select page from visit_old where vendor = 77"
    [(table, *_)] = connection.execute(ADVISED, [query]).fetchall()
    assert table == "visit_old"


def test_no_advice_where_a_partition_is_elsewhere(connection: Connection) -> None:
    prepared(connection)
    for statement in (
        "create extension file_fdw",
        "create server files foreign data wrapper file_fdw",
        "alter table visit_now detach partition visit_one",
        "create foreign table visit_far partition of visit_now for values in (1) server files options (filename '/dev/null')",
    ):
        connection.execute(statement.encode())
    assert connection.execute(ADVISED, ["select page from visit where vendor = 77"]).fetchall() == []


def test_a_run_makes_the_index_of_a_partitioned_table_and_takes_it_back(tuner: Tuner) -> None:
    for statement in VISITS.split(";"):
        tuner.run(statement)
    tuner.set(mode_index_creation="auto")
    tuner.observed("select page from visit where vendor = {number}")
    run = tuner.tune("optimization_level => 'aggressive'")
    action = tuner.value("select id from _wedding_dbopt.action where action_type = 'index_creation'")
    assert action is not None, tuner.rows("select kind, reason from _wedding_dbopt.recommendation")
    tuner.process()
    assert tuner.state(action) == "verifying", tuner.reason(action)
    assert tuner.row(PARTS) == (5, True)
    tuner.observed("select page from visit where vendor = {number}")
    assert tuner.value("select uses from _wedding_dbopt.verification_rules(%s, now())", action) > 0
    tuner.run("select wedding_dbopt.rollback_run(%s)", run)
    tuner.process()
    assert tuner.state(action) == "rolled_back", tuner.reason(action)
    assert tuner.row(PARTS) == (0, None)


def test_an_index_that_each_partition_has_is_not_advised_again_and_the_whole_learns_of_it(
    connection: Connection,
) -> None:
    prepared(connection)
    query = "select * from visit where vendor = 77"
    for part in ("visit_old", "visit_one", '"visit rest"'):
        assert connection.execute(ADVISED, [query]).fetchall() != []
        connection.execute(f"create index on {part} (vendor)".encode())
    assert connection.execute(ADVISED, [query]).fetchall() == []
    connection.execute('drop index "visit rest_vendor_idx"')
    assert connection.execute(ADVISED, [query]).fetchall() != []
