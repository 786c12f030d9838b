"""What a name means to the index search, where it could be looked for in the query that it stands in."""

from __future__ import annotations

import pytest
from sqlglot import exp
from wedding_dbopt.catalog import Catalog
from wedding_dbopt.indexes.resolve import Resolver
from wedding_dbopt.query import Query


@pytest.mark.parametrize(
    "text",
    [
        "select m.k from (select k from generate_series(1, 2) k) m where k > 0",
        "with x as (select k from generate_series(1, 3) k) select k from x",
        "select m.k from (with recursive r(k) as (select 1 union all select r.k from r) select k from r) m",
    ],
)
def test_a_name_of_no_table_is_not_looked_for_in_its_own_query(text: str) -> None:
    resolver = Resolver(Catalog([], ["public"]))
    columns = list(Query.parse(text).tree.find_all(exp.Column))
    assert columns
    assert [resolver.column(column) for column in columns] == [None] * len(columns)
