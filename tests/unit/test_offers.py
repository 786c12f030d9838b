"""What changes a result is offered apart: with the next page, with what would prove it, with what would serve it better."""

from __future__ import annotations

import pytest
from wedding_dbopt.catalog import Catalog, Column, Index, Relation
from wedding_dbopt.plan import Plan
from wedding_dbopt.query import Query
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.option import Option
from wedding_dbopt.rewrite.proposals import Proposal, proposals
from wedding_dbopt.rewrite.semantic import semantic_options


def column(
    name: str, oid: int = 23, not_null: bool = False, values: tuple[str, ...] = (), width: int = 4
) -> Column:
    kind = {23: "integer", 25: "text", 16: "boolean", 1082: "date", 1114: "timestamp without time zone"}[oid]
    return Column(name, kind, oid, not_null, None, False, None, None, width, None, values, ())


def table(name: str, *columns: Column, rows: float = 500_000) -> Relation:
    key = Index(
        f"{name}_pkey", 1, ("id",), (), None, "btree", True, True, True, True, None, "", 8192, (False,)
    )
    made = {made.name: made for made in (column("id", not_null=True), *columns)}
    return Relation(1, "public", name, "r", rows, 100, made, (key,), (("id",),), (), False)


@pytest.fixture
def facts() -> Facts:
    relations = [
        table(
            "vendors",
            column("status", 25, values=("active", "inactive")),
            column("verified", 16),
            column("name", 25, width=40),
            column("score"),
        ),
        table("bookings", column("vendor_id"), column("made", 1114), column("day", 1082, not_null=True)),
    ]
    return Facts(Catalog(relations, ["public"]))


def offered(text: str, facts: Facts, needed: list[str] | None = None) -> dict[str, Option]:
    return {option.kind: option for option in semantic_options(Query.parse(text), facts, needed)}


def test_a_page_knows_how_to_ask_for_the_next_one(facts: Facts) -> None:
    option = offered("select id from bookings where vendor_id = $1", facts)["limit"]
    assert option.text.endswith('ORDER BY bookings."id" LIMIT 100')
    assert (
        option.more
        == 'SELECT id FROM bookings WHERE vendor_id = $1 AND bookings."id" > $2 ORDER BY bookings."id" LIMIT 100'
    )


def test_an_offset_becomes_a_key(facts: Facts) -> None:
    option = offered("select id from bookings order by day desc limit 20 offset 400", facts)["keyset"]
    assert "(day, id) < ($1, $2)" in option.text
    assert "OFFSET" not in option.text
    assert "cannot jump" in option.changes


def test_a_key_in_the_place_of_an_offset_leaves_no_gap_in_the_numbers_of_parameters(facts: Facts) -> None:
    text = "select id from bookings where vendor_id = $2 order by id limit $3 offset $1"
    option = offered(text, facts)["keyset"]
    assert "vendor_id = $1" in option.text and "id > $3" in option.text and "LIMIT $2" in option.text
    assert "OFFSET" not in option.text and "$4" not in option.text
    assert "($3 = id)" in option.changes
    assert option.changes.endswith(" $2 of the statement is $1 here. $3 of the statement is $2 here.")


@pytest.mark.parametrize(
    "text",
    [
        "select id from bookings order by made limit 20 offset 400",  # a NULL would never come
        "select id from bookings order by day, id desc limit 20 offset 400",
        "select vendor_id, count(*) from bookings group by 1 order by 1 limit 20 offset 400",
    ],
)
def test_no_key_where_it_would_lose_rows(text: str, facts: Facts) -> None:
    assert "keyset" not in offered(text, facts)


def test_needed_columns_take_the_place_of_the_star(facts: Facts) -> None:
    option = offered("select * from vendors where id = 7", facts, ["id", "score"])["columns"]
    assert option.text == 'select "id", "score" from vendors where id = 7'
    assert option.bytes_saved == 48
    assert "name 40" in option.changes


def test_a_joined_vendor_may_be_required_to_be_active(facts: Facts) -> None:
    option = offered("select b.id from bookings b join vendors v on v.id = b.vendor_id", facts)[
        "active_vendors"
    ]
    assert option.text.endswith("WHERE v.verified AND v.status = 'active'")
    left = "select b.id from bookings b left join vendors v on v.id = b.vendor_id"
    assert "active_vendors" not in offered(left, facts)


def test_between_days_on_a_moment_is_suspected(facts: Facts) -> None:
    text = "select id from bookings where made between '2026-05-01' and '2026-05-31'"
    option = offered(text, facts)["whole_last_day"]
    assert option.text == "select id from bookings where (made >= '2026-05-01' AND made < '2026-06-01')"
    assert "whole_last_day" not in offered(text.replace("made", "day"), facts)


def test_union_all_is_offered_with_what_would_prove_it(facts: Facts) -> None:
    option = offered("select vendor_id from bookings union select score from vendors", facts)["union_all"]
    assert option.text == "select vendor_id from bookings union ALL select score from vendors"
    assert "primary key" in option.changes


def test_a_missing_not_null_is_named(facts: Facts) -> None:
    option = offered("select id from vendors where id not in (select vendor_id from bookings)", facts)[
        "unproven"
    ]
    assert "NOT EXISTS" in option.text
    assert option.proof_sql == ('ALTER TABLE "public"."bookings" ALTER COLUMN "vendor_id" SET NOT NULL',)


PLAN = Plan.from_json({"Node Type": "Aggregate", "Plan Rows": 10, "Total Cost": 9000.0})


def proposed(text: str, facts: Facts, examined: float = 500_000) -> dict[str, Proposal]:
    return {found.kind: found for found in proposals(Query.parse(text), facts, PLAN, examined)}


def test_a_range_over_years_gets_partitions(facts: Facts) -> None:
    found = proposed("select id from bookings where day between '2024-01-01' and '2026-06-30'", facts)[
        "partitioning"
    ]
    assert found.numbers["days"] == 911
    assert 'PARTITION BY RANGE ("day")' in found.sql[0]
    assert len(found.sql) == 5
    assert found.rollback_sql == ('DROP TABLE "public"."bookings_by_year"',)


def test_a_heavy_aggregate_gets_a_materialised_view(facts: Facts) -> None:
    text = "select vendor_id, count(*) as n from bookings group by vendor_id"
    found = proposed(text, facts)["materialized_view"]
    assert found.sql[0].endswith(f"AS {text}")
    assert "UNIQUE INDEX" in found.sql[1]
    assert found.refresh_sql is not None
    assert "CONCURRENTLY" in found.refresh_sql
    assert found.staleness is not None
    assert "materialized_view" not in proposed(text.replace("bookings", "bookings where id = $1"), facts)
    assert "materialized_view" not in proposed(text, facts, examined=500)


@pytest.mark.parametrize(
    ("grouping", "unique"),
    [
        ("vendor_id, day", True),
        ("1, 2", True),
        ("vendor_id, rollup(day)", False),
        ("rollup(vendor_id, day)", False),
        ("grouping sets ((vendor_id), (day))", False),
        ("vendor_id, day, made", False),
    ],
)
def test_only_a_plain_grouping_by_what_is_put_out_makes_rows_unique(
    facts: Facts, grouping: str, unique: bool
) -> None:
    text = f"select vendor_id, day, count(*) as n from bookings group by {grouping}"
    found = proposed(text, facts)["materialized_view"]
    assert any("UNIQUE INDEX" in sql for sql in found.sql) == unique
    assert ("CONCURRENTLY" in (found.refresh_sql or "")) == unique
