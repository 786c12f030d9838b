"""What statements ask of their tables, read from text and catalogue."""

from __future__ import annotations

import time

import pytest
from test_indexes_fixture import CATALOG, PARTS, VISITS, uses_of
from wedding_dbopt.indexes.plan_conditions import shown_conditions
from wedding_dbopt.indexes.predicates import table_uses
from wedding_dbopt.plan import Plan
from wedding_dbopt.query import Query


@pytest.mark.parametrize(
    ("text", "equal", "ranged", "joined"),
    [
        ("select * from bookings where venue_id = $1 and wedding_date > $2", "venue_id", "wedding_date", ""),
        ("select * from bookings b where $1 = b.venue_id", "venue_id", "", ""),
        (
            "select * from bookings where status in ('a', 'b') and venue_id = any($1)",
            "status venue_id",
            "",
            "",
        ),
        ("select * from bookings where wedding_date between $1 and $2", "", "wedding_date", ""),
        ("select * from bookings where deleted_at is null", "deleted_at", "", ""),
        ("select * from bookings where deleted_at is not null", "", "", ""),
        ("select * from bookings where paid and not archived", "paid archived", "", ""),
        ("select * from bookings where (venue_id, status) = ($1, $2 )", "venue_id status", "", ""),
        ("select * from bookings where (wedding_date, id) < ($1, $2 )", "", "wedding_date", ""),
        ("select * from bookings where venue_id = id", "", "", ""),
        ("select * from bookings where status = (select max(name) from vendors)", "status", "", ""),
        ("select * from bookings b join vendors v on v.id = b.vendor_id", "", "", "vendor_id"),
        ("select * from vendors v, bookings b where v.id = b.vendor_id", "", "", "vendor_id"),
        (
            "select * from vendors v where exists (select from bookings where vendor_id = v.id)",
            "",
            "",
            "vendor_id",
        ),
        ("select * from vendors where id in (select vendor_id from bookings)", "", "", "vendor_id"),
        ("with x as (select * from bookings) select * from x where venue_id = 1", "venue_id", "", ""),
        (
            "with bookings as (select * from bookings) select * from bookings where venue_id = 1",
            "venue_id",
            "",
            "",
        ),
        ("select * from (select venue_id as v from bookings) x where x.v = 1", "venue_id", "", ""),
        ("select * from (select * from bookings limit 9) x where x.venue_id = 1", "", "", ""),
        (
            "select * from vendors v, lateral (select * from bookings b where b.vendor_id = v.id) q",
            "",
            "",
            "vendor_id",
        ),
        ("update bookings set status = 'x' where venue_id = $1", "venue_id", "", ""),
        (
            "delete from bookings using vendors v where vendor_id = v.id and venue_id = 3",
            "venue_id",
            "",
            "vendor_id",
        ),
        (
            "merge into bookings b using vendors v on b.vendor_id = v.id when matched then delete",
            "",
            "",
            "vendor_id",
        ),
        ("insert into vendors (id) select id from bookings where venue_id = $1", "venue_id", "", ""),
        ('select * from public."bookings" where "bookings"."venue_id" = $1', "venue_id", "", ""),
        ("select * from bookings where BOOKINGS.VENUE_ID = $1", "venue_id", "", ""),
        ('select * from bookings where "VENUE_ID" = $1', "", "", ""),
    ],
)
def test_conditions_of_bookings(text: str, equal: str, ranged: str, joined: str) -> None:
    groups = [use.groups[0] for use in uses_of(text) if use.relation.name == "bookings"]
    found = [
        " ".join(dict.fromkeys(term.column or "" for group in groups for term in terms(group)))
        for terms in (lambda g: g.equal, lambda g: g.ranged, lambda g: g.joined)
    ]
    assert found == [equal, ranged, joined]


def test_each_arm_of_an_or_is_a_group() -> None:
    [use] = uses_of("select * from bookings where venue_id = $1 or vendor_id = $2")
    assert [[term.column for term in group.equal] for group in use.groups] == [
        [],
        ["venue_id"],
        ["vendor_id"],
    ]


def test_order_with_direction_nulls_and_limit() -> None:
    [use] = uses_of("select * from vendors order by rating desc, name nulls first limit 5")
    keys = [(key.term.column, key.descending, key.nulls_first) for key in use.order]
    assert keys == [("rating", True, True), ("name", False, True)]
    assert use.limited
    [use] = uses_of("select * from vendors order by rating desc nulls last")
    assert [(key.descending, key.nulls_first) for key in use.order] == [(True, False)]
    assert not use.limited


def test_order_by_number_or_output_name_is_the_column() -> None:
    for order in ("2 desc", "r desc"):
        [use] = uses_of(f"select id, rating as r from vendors order by {order}")
        assert [(key.term.column, key.descending) for key in use.order] == [("rating", True)]


def test_order_over_two_tables_serves_none() -> None:
    uses = uses_of("select * from vendors v join bookings b on true order by v.rating, b.id limit 3")
    assert all(use.order == () for use in uses)


def test_maximum_is_an_order_with_a_limit() -> None:
    [use] = uses_of("select max(wedding_date) from bookings where venue_id = $1")
    assert [(key.term.column, key.descending) for key in use.order] == [("wedding_date", True)]
    assert use.limited


def test_needed_columns_and_whole_rows() -> None:
    [use] = uses_of("select id from bookings where venue_id = $1")
    assert use.needed == {"id", "venue_id"}
    for whole in ("select *", "select b.*", "select to_json(b)"):
        [use] = uses_of(f"{whole} from bookings b where venue_id = $1")
        assert use.needed is None
    [use] = uses_of("select count(*) from bookings where venue_id = $1")
    assert use.needed == {"venue_id"}


def test_expressions_of_builtin_functions_are_keys() -> None:
    [use] = uses_of("select * from bookings b where lower(b.email) = $1")
    assert [(term.sql, term.column) for term in use.groups[0].equal] == [('(LOWER("email"))', None)]
    [use] = uses_of("select * from bookings where date_trunc('day', created_at) = $1")
    assert use.groups[0].equal[0].sql == "(DATE_TRUNC('day', \"created_at\"))"
    for foreign in ("my_lower(email)", "public.lower(email)", "random()", "email::my_type"):
        [use] = uses_of(f"select * from bookings where {foreign} = $1")
        assert use.groups[0].equal == ()


def test_the_day_of_a_timestamp_is_a_key() -> None:
    for text in ("date(created_at) = $1", "created_at::date = $1", "date_trunc('day', created_at) = $1"):
        [use] = uses_of(f"select * from bookings where {text}")
        assert [term.columns for term in use.groups[0].equal] == [("created_at",)], text


def test_full_text_and_containment() -> None:
    document = "to_tsvector('english', name || ' ' || coalesce(description, ''))"
    [use] = uses_of(f"select * from vendors v where {document} @@ plainto_tsquery($1)")
    assert use.searches[0].expression == (
        "(TO_TSVECTOR('english', \"name\" || ' ' || COALESCE(\"description\", '')))"
    )
    assert use.searches[0].columns == ("description", "name")
    [use] = uses_of("""select * from vendors where services @> '["dj"]'""")
    assert use.searches[0].expression == '"services"'
    [use] = uses_of("select * from vendors where name @@ 'x'")
    assert use.searches == ()


def test_searches_of_all_arms_of_an_or_are_one() -> None:
    text = "to_tsvector('english', description) @@ to_tsquery('english', {})"
    [use] = uses_of(f"select * from vendors where {text.format('$1')} or {text.format('$2')}")
    [search] = use.searches
    assert search.condition.count("@@ $1") == 2 and " OR " in search.condition
    [use] = uses_of(f"select * from vendors where {text.format('$1')} or to_tsvector(name) @@ to_tsquery($1)")
    assert use.searches == ()


def test_constants_fit_for_partial_indexes_have_no_cast() -> None:
    [use] = uses_of(
        "select * from bookings where status = 'open'::text and deleted_at is null and venue_id = $1"
    )
    assert [constant.condition for constant in use.constants] == [
        "\"status\" = 'open'",
        '"deleted_at" IS NULL',
    ]


def test_columns_an_update_sets() -> None:
    [use] = uses_of("update bookings set status = $1, note = $2 where id = $3")
    assert use.written == {"status", "note"}


def test_a_plan_shows_the_conditions_of_policies_and_views() -> None:
    node = {
        "Node Type": "Limit",
        "Plans": [
            {
                "Node Type": "Sort",
                "Sort Key": ["wedding_date DESC"],
                "Plans": [
                    {
                        "Node Type": "Seq Scan",
                        "Relation Name": "bookings",
                        "Alias": "bookings",
                        "Filter": "((venue_id = 3) AND ((status)::text = 'open'::text))",
                    }
                ],
            }
        ],
    }
    shown = shown_conditions(Plan.from_json(node), CATALOG)
    assert shown is not None
    [use] = table_uses(shown, CATALOG)
    assert [term.column for term in use.groups[0].equal] == ["venue_id", "status"]
    assert [(key.term.column, key.descending) for key in use.order] == [("wedding_date", True)]


def test_partitions_speak_for_their_table_unless_the_statement_names_one() -> None:
    scans = [
        {
            "Node Type": "Seq Scan",
            "Schema": "public",
            "Relation Name": name,
            "Alias": f"v_{number}",
            "Filter": f"(v_{number}.vendor_id = 3)",
        }
        for number, name in enumerate(("visits_old", "visits_now"), 1)
    ]
    plan = Plan.from_json({"Node Type": "Append", "Plans": scans})
    shown = shown_conditions(plan, CATALOG)
    assert shown is not None
    [use] = table_uses(shown, CATALOG)
    assert (use.relation, [term.column for term in use.groups[0].equal]) == (VISITS, ["vendor_id"])
    both = shown_conditions(plan, CATALOG, {part.oid for part in PARTS})
    assert both is not None
    assert [use.relation for use in table_uses(both, CATALOG)] == PARTS


def test_what_only_explain_prints_is_left_out() -> None:
    node = {"Node Type": "Seq Scan", "Relation Name": "bookings", "Filter": "(NOT (hashed SubPlan 1))"}
    shown = shown_conditions(Plan.from_json(node), CATALOG)
    assert shown is not None
    assert table_uses(shown, CATALOG)[0].terms() == frozenset()
    assert shown_conditions(Plan.from_json({"Node Type": "Result"}), CATALOG) is None


def test_exclusions_are_constants_that_leave_few_rows_out() -> None:
    [use] = uses_of(
        "select id from bookings where status <> 'open' and note not like '%x''y%' and email not in ('a', 'b') "
        "and not venue_id = 3 and note not like email and note not like $1"
    )
    assert [(item.condition, item.values) for item in use.constants if item.excludes] == [
        ("\"status\" <> 'open'", ("open", None)),
        ("\"note\" NOT LIKE '%x''y%'", ()),
        ("\"email\" NOT IN ('a', 'b')", ("a", "b", None)),
    ]
    assert use.needed_beside(use.constants[:1]) == {"id", "note", "email", "venue_id"}


@pytest.mark.parametrize(
    ("text", "condition", "values", "keeps_nulls"),
    [
        ("deleted_at is not null", '"deleted_at" IS NOT NULL', ("",), False),
        ("not (deleted_at is null)", '"deleted_at" IS NOT NULL', ("",), False),
        ("archived is not true", '"archived" IS NOT TRUE', ("false", None), True),
        ("archived is not false", '"archived" IS NOT FALSE', ("true", None), True),
        ("not archived is true", '"archived" IS NOT TRUE', ("false", None), True),
        ("status is distinct from 'open'", "\"status\" IS DISTINCT FROM 'open'", ("open",), True),
        ("status <> 'open'", "\"status\" <> 'open'", ("open", None), False),
    ],
)
def test_what_tests_of_null_and_truth_keep(
    text: str, condition: str, values: tuple[str | None, ...], keeps_nulls: bool
) -> None:
    [use] = uses_of(f"select * from bookings where {text}")
    [found] = use.constants
    assert (found.condition, found.values, found.keeps_nulls) == (condition, values, keeps_nulls)
    missing = f"select 1 from vendors v left join bookings on v.id = vendor_id where {text}"
    kept = [item for use in uses_of(missing) for item in use.constants]
    assert kept == ([] if keeps_nulls else [found])


def test_a_condition_of_an_outer_join_binds_only_what_is_joined() -> None:
    text = "select b.id from bookings b {} join vendors v on v.id = b.vendor_id and b.status = 'open' and v.city = 'x'"
    fixed = {
        kind: {item.condition for use in uses_of(text.format(kind)) for item in use.constants}
        for kind in ("inner", "left", "right", "full")
    }
    assert fixed["inner"] == {"\"status\" = 'open'", "\"city\" = 'x'"}
    assert (fixed["left"], fixed["right"]) == ({"\"city\" = 'x'"}, {"\"status\" = 'open'"})
    assert fixed["full"] == set()
    missing = "select b.id from bookings b left join vendors v on v.id = b.vendor_id where v.city is null"
    assert not [item for use in uses_of(missing) for item in use.constants]


def test_what_each_arm_of_an_or_says_holds_in_any_case() -> None:
    [use] = uses_of(
        "select id from bookings where (venue_id = 1 and status = 'open') or (vendor_id = 2 and status = 'open')"
    )
    assert [term.column for term in use.groups[0].equal] == ["status"]
    assert [(item.condition, item.times) for item in use.constants] == [("\"status\" = 'open'", 2)]
    assert use.needed_beside(use.constants) == {"id", "venue_id", "vendor_id"}


def test_what_exists_selects_is_not_read() -> None:
    inner = uses_of(
        "select name from vendors v where exists (select * from bookings b where b.vendor_id = v.id)"
    )
    assert {use.relation.name: use.needed for use in inner}["bookings"] == {"vendor_id"}


def test_a_plan_shows_lists_as_arrays() -> None:
    scan = {
        "Node Type": "Seq Scan",
        "Relation Name": "bookings",
        "Alias": "bookings",
        "Filter": "((status = ANY ('{open,\"on hold\"}'::text[])) AND (email <> ALL ('{a,b}'::text[])) "
        "AND ((note)::text !~~ '%x%'::text))",
    }
    shown = shown_conditions(Plan.from_json(scan), CATALOG)
    assert shown is not None
    [use] = table_uses(shown, CATALOG)
    assert [item.condition for item in use.constants] == [
        "\"status\" IN ('on hold', 'open')",
        "\"email\" NOT IN ('a', 'b')",
        "\"note\" NOT LIKE '%x%'",
    ]


def test_a_column_is_found_behind_any_number_of_casts_between_texts() -> None:
    casts = "::text" * 500
    [use] = uses_of(f"select 1 from bookings where (status{casts})::varchar = 'open'")
    assert [term.column for term in use.groups[0].equal] == ["status"]


def test_what_thousands_of_conditions_take_grows_with_their_number() -> None:
    def spent(terms: int) -> float:
        query = Query.parse(
            f"select 1 from bookings where {' or '.join(f'venue_id = {n}' for n in range(terms))}"
        )
        began = time.process_time()
        table_uses(query.tree, CATALOG)
        return time.process_time() - began

    assert spent(8000) < 10 * spent(2000)  # sixteen times would be the square
