"""Searches that no B-tree serves: which index each asks for, when an existing one serves, and the small methods."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_indexes_fixture import column, existing, index, relation
from wedding_dbopt.catalog import Catalog
from wedding_dbopt.indexes.candidates import Candidates, candidates, search_index, usage
from wedding_dbopt.indexes.conditions import Search
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.existing import serves
from wedding_dbopt.indexes.predicates import TableUse, table_uses
from wedding_dbopt.indexes.size import KeyFacts, btree_bytes, index_bytes
from wedding_dbopt.indexes.terms import Term, column_term
from wedding_dbopt.query import Query

HALLS = relation(
    "halls",
    [
        column("id"),
        column("name", "text", avg_width=40),
        column("code", "character(8)"),
        column("facts", "jsonb"),
        column("labels", "text[]"),
        column("free", "daterange"),
        column("at", "timestamp without time zone", correlation=0.999),
        column("mixed", "timestamp without time zone", correlation=0.2),
    ],
)
CATALOG = Catalog([HALLS], ["public"])


def use_of(condition: str) -> TableUse:
    [use] = table_uses(Query.parse(f"select * from halls h where {condition}").tree, CATALOG)
    return use


def offered(condition: str) -> Candidates:
    use = use_of(condition)
    return candidates([use], usage([[use]]))


@pytest.mark.parametrize(
    ("condition", "family", "opclass", "text"),
    [
        ("name like '%abc%'", "text", "gin_trgm_ops", "\"name\" LIKE '%abc%'"),
        ("name ilike 'abc%'", "text", "gin_trgm_ops", "\"name\" ILIKE 'abc%'"),
        ("name like '%' || $1 || '%'", "text", "gin_trgm_ops", '"name" LIKE $1'),
        ("name ~ 'abc'", "text", "gin_trgm_ops", "\"name\" ~ 'abc'"),
        ("name % 'abc'", "similar", "gin_trgm_ops", "\"name\" % 'abc'"),
        ("$1 % name", "similar", "gin_trgm_ops", '$1 % "name"'),
        (
            "name like '%abc%' or name ~ 'def'",
            "text",
            "gin_trgm_ops",
            "(\"name\" LIKE '%abc%') OR (\"name\" ~ 'def')",
        ),
        ("lower(name) like $1", "text", "gin_trgm_ops", 'LOWER("name") LIKE $1'),
        ("facts @> '{\"a\": 1}'", "jsonb", "jsonb_path_ops", '"facts" @> \'{"a": 1}\''),
        ("$1 <@ facts", "jsonb", "jsonb_path_ops", '$1 <@ "facts"'),
        ("facts ? 'a'", "jsonb", None, "\"facts\" ? 'a'"),
        ("facts -> 'a' @> $1", "jsonb", "jsonb_path_ops", "\"facts\" -> 'a' @> $1"),
        ("labels && array['a']", "array", None, "\"labels\" && ARRAY['a']"),
        ("free @> $1::date", "range", None, '"free" @> $1'),
    ],
)
def test_a_search_has_a_family_and_an_operator_class(
    condition: str, family: str, opclass: str | None, text: str
) -> None:
    [search] = use_of(condition).searches
    assert (search.family, search.opclass, search.condition) == (family, opclass, text)
    assert search.assumed is ("$" in text)


@pytest.mark.parametrize(
    "condition",
    [
        "name not like '%abc%'",
        "name like '%ab%'",
        "name like 'abc%'",
        "code like '%abc%'",
        "facts <@ '{}'",
        "name like any(array['%abc%'])",
        "name like '%abc%' or name = 'def'",
        "name like '%abc%' or name like $1",
        "name like '%abc%' or labels && array['a']",
        "name like '%abc%' or name % 'abc'",
        "id % 3 = 1",
    ],
)
def test_what_such_an_index_cannot_find_asks_for_none(condition: str) -> None:
    assert use_of(condition).searches == ()


def test_ranges_take_gist() -> None:
    [found] = offered("free && $1").searches
    assert found.create_sql("x") == 'CREATE INDEX "x" ON "public"."halls" USING gist ("free")'


@pytest.mark.parametrize(
    ("definition", "opclass", "served"),
    [
        ("facts", "jsonb_path_ops", True),
        ("facts", None, True),
        ("facts jsonb_path_ops", "jsonb_path_ops", True),
        ("facts jsonb_path_ops", None, False),
        ("facts ext.jsonb_path_ops", "jsonb_path_ops", True),
    ],
)
def test_an_operator_class_that_is_there_serves(definition: str, opclass: str | None, served: bool) -> None:
    text = f"CREATE INDEX i ON public.halls USING gin ({definition})"
    there = existing("i", ["facts"], text, method="gin")
    wanted = search_index(HALLS, Search('"facts"', "x", ("facts",), "jsonb", opclass))
    assert serves(there, wanted) is served


def test_brin_needs_values_in_the_order_of_the_table() -> None:
    [found] = offered("at > $1 and mixed > $2").small
    assert (found.method, found.columns[0].column) == ("brin", "at")
    assert index_bytes(HALLS, found) == 3 * 8192


def test_hash_is_for_long_different_keys() -> None:
    [found] = offered("name = $1 and id = $2").small
    assert (found.method, found.columns[0].column) == ("hash", "name")
    assert 0.3 < index_bytes(HALLS, found) / btree_bytes(HALLS, index("halls", "name")) < 0.7


def test_known_keys_go_before_the_product_of_distinct_values() -> None:
    both = index("halls", "id", "mixed")
    facts = KeyFacts(2000.0, ((column_term("id"), 4.0), (column_term("mixed"), 8.0)))
    assert btree_bytes(HALLS, both, facts) < btree_bytes(HALLS, both) / 2


def test_the_kind_of_an_expression_tells_whether_its_index_deduplicates() -> None:
    year = Term('(EXTRACT(YEAR FROM "at"))', None, ("at",))
    whole = IndexDef("public", "halls", (Key(year),))
    same, apart = (
        btree_bytes(HALLS, whole, KeyFacts(3.0, ((year, 8.0),), kinds=(kind,)))
        for kind in ("integer", "numeric")
    )
    assert apart > 2.5 * same
    # The column beside it is as wide as ever.
    both = replace(whole, include=("at",))
    narrow, wide = (btree_bytes(HALLS, both, KeyFacts(3.0, ((year, width),))) for width in (8.0, 40.0))
    assert wide - narrow == pytest.approx(HALLS.rows * 32 / 0.9, rel=0.05)
