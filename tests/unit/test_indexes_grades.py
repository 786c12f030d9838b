"""Ranges of numbers on columns of few values, as predicates of partial indexes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_indexes_fixture import column, index, relation
from wedding_dbopt.catalog import Catalog
from wedding_dbopt.indexes.candidates import candidates, stand_in, usage
from wedding_dbopt.indexes.predicates import TableUse, table_uses
from wedding_dbopt.query import Query

RATED = column(
    "rating",
    "numeric(2,1)",
    5,
    most_common_vals=("1", "2", "3", "4.5", "5"),
    most_common_freqs=(0.4, 0.3, 0.1, 0.1, 0.1),
)
TRIES = column("tries", "integer", 3, most_common_vals=("0", "1", "2"), most_common_freqs=(0.9, 0.05, 0.05))
PRICE = column("price", "numeric(10,2)", -0.5, most_common_vals=("10", "20"), most_common_freqs=(0.1, 0.1))
REVIEWS = relation(
    "reviews", [column("id"), column("vendor_id", distinct=3000), RATED, TRIES, PRICE, column("body", "text")]
)
CATALOG = Catalog([REVIEWS, relation("vendors", [column("id"), column("name", "text")])], ["public"])


def use(condition: str, catalog: Catalog = CATALOG) -> TableUse:
    return table_uses(Query.parse(f"select id from reviews where {condition}").tree, catalog)[0]


@pytest.mark.parametrize(
    ("condition", "predicate", "share"),
    [
        ("rating >= 4", "\"rating\" >= '4'", 0.2),
        ("4 < rating", "\"rating\" > '4'", 0.2),
        ("rating between 2 and 2 + 1.5", "\"rating\" >= '2' AND \"rating\" <= '3.5'", 0.4),
        ("rating < 5 and rating >= 4.5", "\"rating\" >= '4.5' AND \"rating\" < '5'", 0.1),
        ("rating > -1 - 2", "\"rating\" > '-3'", 1.0),
        ("tries > 0", "\"tries\" > '0'", 0.1),
        ("rating >= 4.50", "\"rating\" >= '4.5'", 0.2),
        ("rating > 7", "\"rating\" > '7'", 1 / 200_000),  # a share of nothing would make an index free
        (
            "rating >= 2 and not exists (select 1 from vendors v where v.id = vendor_id and rating < 4)",
            "\"rating\" >= '2'",
            0.6,
        ),
    ],
)
def test_a_range_of_known_values_is_a_constant_with_its_share(
    condition: str, predicate: str, share: float
) -> None:
    [constant] = use(condition).constants
    assert (constant.condition, constant.values) == (predicate, ())
    assert constant.share == pytest.approx(share)


@pytest.mark.parametrize(
    "condition",
    [
        "rating >= $1",
        "rating between 2 and $1",
        "rating > price",
        "price > 10",  # too many values for statistics to know
        "tries > 0.5",  # no integer: the statement compares another type
        "body > '4'",
        "id > 4",
        "rating >= 4 or tries > 0",
        "tries > 2.0",  # to PostgreSQL another type
        "tries < 1e30",
        "tries < 3000000000",
        "rating < 1e400",
        "rating < 123456789012345678901234567890.5",
        "rating between symmetric 5 and 2",
        "(rating, id) > (4, 100)",  # true of some rows with 4 as well
        "not rating >= 4",
    ],
)
def test_no_constant_where_the_rows_are_not_known(condition: str) -> None:
    assert use(condition).constants == ()


def test_no_constant_with_values_that_are_ordered_in_another_way() -> None:
    odd = replace(RATED, most_common_vals=("1", "2", "3", "4.5", "NaN"))
    table = relation("reviews", [column("id"), odd])
    assert use("rating >= 4", Catalog([table], ["public"])).constants == ()


def test_a_value_that_statistics_do_not_have_may_be_anywhere() -> None:
    known = replace(RATED, most_common_freqs=(0.4, 0.3, 0.1, 0.1, 0.095))
    [constant] = use(
        "rating > 4.5", Catalog([relation("reviews", [column("id"), known])], ["public"])
    ).constants
    assert constant.share == pytest.approx(0.1)


def test_columns_that_a_join_names_alone_are_needed_of_the_table() -> None:
    other = relation("others", [column("id"), column("rating", "numeric(2,1)")])
    catalog = Catalog([REVIEWS, other], ["public"])
    for join in ("join others o using (rating)", "natural join others o"):
        [asked] = [
            item
            for item in table_uses(
                Query.parse(f"select r.id from reviews r {join} where r.rating >= 4").tree, catalog
            )
            if item.relation.name == "reviews"
        ]
        needed = asked.needed_beside(asked.constants)
        assert needed is None or "rating" in needed


def test_a_full_index_stands_in_only_where_each_reference_asks_the_same_range() -> None:
    text = "select a.id from reviews a join reviews b on a.vendor_id = b.vendor_id where a.rating >= 4 and b.rating < 2"
    uses = table_uses(Query.parse(text).tree, CATALOG)
    made = index("reviews", "vendor_id", where="\"rating\" >= '4'", joint=("\"rating\" >= '4'",))
    assert stand_in(uses, made) is None


def test_a_condition_of_what_an_outer_join_keeps_is_none() -> None:
    text = "select v.id from vendors v {} join reviews r on r.vendor_id = v.id and r.rating >= 4"
    found = {
        side: [
            item.condition
            for one in table_uses(Query.parse(text.format(side)).tree, CATALOG)
            for item in one.constants
        ]
        for side in ("", "left", "right", "full")
    }
    assert found == {"": ["\"rating\" >= '4'"], "left": ["\"rating\" >= '4'"], "right": [], "full": []}


def test_an_index_of_the_grade_alone_and_together_with_others() -> None:
    asked = use("rating >= 4 and tries > 0 and vendor_id = $1")
    found = candidates([asked], usage([[asked]])).partial
    made = {
        (tuple(key.column for key in item.columns), item.where): item for item in found if not item.include
    }
    both = made[("vendor_id",), "\"rating\" >= '4' AND \"tries\" > '0'"]
    assert (both.fraction, both.guessed, len(both.joint)) == (pytest.approx(0.02), True, 2)
    alone = made[("vendor_id",), "\"rating\" >= '4'"]
    assert (alone.fraction, alone.guessed) == (pytest.approx(0.2), False)
    assert stand_in([asked], alone) == index("reviews", "vendor_id")
    # A column that the predicate alone names need not be asked of the table again.
    assert asked.needed_beside(asked.constants) == {"id", "vendor_id"}


def test_a_range_that_keeps_most_rows_makes_no_index_of_its_own() -> None:
    asked = use("tries < 2 and vendor_id = $1")
    assert not candidates([asked], usage([[asked]])).partial


def test_for_a_comparison_of_two_columns_alone_a_full_index_of_the_same_keys_stands_in() -> None:
    table = relation("t", [column("id"), column("a"), column("b"), column("c", distinct=3000)])
    [asked] = table_uses(
        Query.parse("select id, a from t where c = $1 and a < b").tree, Catalog([table], ["public"])
    )
    [found] = [item for item in candidates([asked], usage([[asked]])).partial if not item.include]
    assert found == index("t", "c", where='"a" < "b"')
    assert stand_in([asked], found) == index("t", "c")
