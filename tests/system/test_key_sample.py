"""How many keys an index has is estimated from whole blocks of its table, though equal keys lie side by side there."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from wedding_dbopt.catalog import Catalog
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.sample import Sampler
from wedding_dbopt.indexes.size import btree_bytes
from wedding_dbopt.indexes.terms import column_term
from wedding_dbopt.query import Table

from tests.bench.planner import Client

# Four lines of an order follow each other, two of them of one day; parts and vendors come in 6,000 pairs, everywhere.
LINES = """
create table line as
select n / 4 as order_id, n / 2 % 1000 as day, n * 79 % 2000 as part, n % 3 as vendor
from generate_series(1, 300000) n;
vacuum analyze line
"""


@pytest.mark.parametrize(
    ("columns", "where"),
    [
        (("order_id", "day"), None),
        (("order_id",), "part < 800"),
        (("part", "vendor"), None),
        (("day", "part"), None),
    ],
)
def test_sizes_of_indexes_are_right_where_keys_repeat(
    connection: psycopg.Connection[Any], columns: tuple[str, ...], where: str | None
) -> None:
    for statement in LINES.split(";"):
        connection.execute(statement.encode())
    client: Any = Client(connection)
    catalog = Catalog.load(client, [Table(None, "line", "line")], ["public"])
    relation = catalog.relation(Table("public", "line", "line"))
    assert relation is not None
    index = IndexDef("public", "line", tuple(Key(column_term(name)) for name in columns), where=where)
    known = Sampler(client, lambda schema, name: client).measure(relation, index)
    assert known is not None
    connection.execute(index.create_sql("by_sample").encode())
    row = connection.execute("select pg_relation_size('by_sample')").fetchone()
    assert row is not None
    assert btree_bytes(relation, index, known) == pytest.approx(row[0], rel=0.25)
