"""Which searches a stored column could serve, and what their statements are with it."""

from __future__ import annotations

from test_indexes_fixture import CATALOG
from wedding_dbopt.indexes.stored_vector import Measured, rewritten, searched
from wedding_dbopt.query import Query

DOCUMENT = "to_tsvector('english', v.name || ' ' || coalesce(v.description, ''))"
RANKED = (
    f"select v.id, ts_rank_cd({DOCUMENT}, q) from vendors v, to_tsquery('english', $1) q "
    f"where {DOCUMENT} @@ q /* kept */ order by 2 desc"
)


def test_an_expression_that_is_searched_and_ranked_by_is_found_once() -> None:
    other = RANKED.replace("ts_rank_cd", "ts_rank")
    [item] = searched([("1", Query.parse(RANKED)), ("2", Query.parse(other))], CATALOG)
    assert (item.ranks, item.keys) == ({"ts_rank", "ts_rank_cd"}, ["1", "2"])
    assert (item.relation.name, item.column) == ("vendors", "search_description_name")


def test_writes_other_searches_and_small_tables_are_left_alone() -> None:
    texts = (
        f"update vendors v set name = 'x' where {DOCUMENT} @@ to_tsquery('english', $1)",
        "select id from vendors where name like '%abc%'",
        "select id from small where to_tsvector('english', kind) @@ to_tsquery('english', $1)",
    )
    assert searched([(str(n), Query.parse(text)) for n, text in enumerate(texts)], CATALOG) == []


def test_the_statement_keeps_its_text_but_for_the_expression() -> None:
    query = Query.parse(RANKED)
    [item] = searched([("1", query)], CATALOG)
    assert rewritten(query, item, CATALOG) == RANKED.replace(DOCUMENT, '"v"."search_description_name"')


def test_what_is_left_is_the_share_of_the_time() -> None:
    assert Measured(1000, 10, 4.0, 1.0, 9, 9, 100.0).left == 0.25
