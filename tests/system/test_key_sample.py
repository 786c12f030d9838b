"""How many keys an index has is estimated from whole blocks of its table, though equal keys lie side by side there."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.sample import Sampler
from wedding_dbopt.indexes.size import KeyFacts, btree_bytes
from wedding_dbopt.indexes.terms import column_term
from wedding_dbopt.query import Table

from tests.bench.planner import Client

MOOD = "create type mood as enum ('open', 'held', 'done')"
# Four lines of an order follow each other, two of them of one day; parts and vendors come in 6,000 pairs, everywhere.
LINES = """
create table line as
select n / 4 as order_id, n / 2 % 1000 as day, n * 79 % 2000 as part, n % 3 as vendor,
  case when n % 10 < 6 then 'done' when n % 7 = 0 then 'held' else 'open' end::mood as state
from generate_series(1, 300000) n;
vacuum analyze line
"""


def measured(
    connection: psycopg.Connection[Any], columns: tuple[str, ...], where: str | None
) -> tuple[Relation, IndexDef, KeyFacts | None]:
    for statement in LINES.split(";"):
        connection.execute(statement.encode())
    client: Any = Client(connection)
    catalog = Catalog.load(client, [Table(None, "line", "line")], ["public"])
    relation = catalog.relation(Table("public", "line", "line"))
    assert relation is not None
    index = IndexDef("public", "line", tuple(Key(column_term(name)) for name in columns), where=where)
    return relation, index, Sampler(client, lambda schema, name: client).measure(relation, index)


@pytest.mark.parametrize(
    ("columns", "where"),
    [
        (("order_id", "day"), None),
        (("order_id",), "part < 800"),
        (("part", "vendor"), None),
        (("day", "part"), None),
        (("part", "state"), None),
        (("part", "vendor"), "state in ('open', 'held')"),
    ],
)
def test_sizes_of_indexes_are_right_where_keys_repeat(
    connection: psycopg.Connection[Any], columns: tuple[str, ...], where: str | None
) -> None:
    connection.execute(MOOD)
    relation, index, known = measured(connection, columns, where)
    assert known is not None
    connection.execute(index.create_sql("by_sample").encode())
    row = connection.execute("select pg_relation_size('by_sample')").fetchone()
    assert row is not None
    assert btree_bytes(relation, index, known) == pytest.approx(row[0], rel=0.25)


def test_an_enum_with_a_cast_of_somebody_is_not_read(connection: psycopg.Connection[Any]) -> None:
    for statement in (
        MOOD,
        "create function trap(mood) returns text language plpgsql immutable as $$ begin raise 'run'; end $$",
        "create cast (mood as text) with function trap(mood) as implicit",
    ):
        connection.execute(statement.encode())
    assert measured(connection, ("part", "state"), None)[2] is None
    connection.execute("drop cast (mood as text)")
    connection.execute("drop table line")
    assert measured(connection, ("part", "state"), None)[2] is not None
