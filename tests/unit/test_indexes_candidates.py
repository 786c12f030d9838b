"""Which indexes are considered, how they are written, how large they will be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_indexes_fixture import BOOKINGS, VENDORS, column, existing, index, relation, uses_of
from wedding_dbopt.indexes.candidates import (
    Candidates,
    candidates,
    effective,
    helps,
    shared_covers,
    stand_in,
    usage,
)
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.existing import serves
from wedding_dbopt.indexes.size import btree_bytes, btree_height, tree_height
from wedding_dbopt.indexes.statistics import value_fraction
from wedding_dbopt.indexes.terms import Term, column_term


def offered(text: str, width: int = 3) -> Candidates:
    uses = uses_of(text)
    return candidates(uses, usage([uses]), width)


def keys(found: tuple[IndexDef, ...]) -> list[str]:
    return [", ".join(key.sql().replace('"', "") for key in item.columns) for item in found]


def test_equality_first_then_the_range() -> None:
    text = "select * from bookings where wedding_date > $1 and status = $2 and venue_id = $3"
    plain = keys(offered(text).plain)
    assert plain[:2] == ["venue_id, status", "venue_id, status, wedding_date"]
    assert not any(item.startswith("wedding_date,") for item in plain)


def test_sort_keys_follow_equality() -> None:
    found = offered("select * from vendors where category = $1 and city = $2 order by rating desc limit 5")
    assert keys(found.sorting) == ["category, city, rating DESC"]
    assert set(found.sorting) <= set(found.plain)


def test_width_is_limited() -> None:
    text = "select * from bookings where venue_id = $1 and vendor_id = $2 and status = $3 and email = $4"
    assert max(len(item.columns) for item in offered(text, 2).plain) == 2


def test_more_shared_columns_lead() -> None:
    first = uses_of("select * from bookings where venue_id = $1 and vendor_id = $2")
    second = uses_of("select * from bookings where venue_id = $1")
    assert keys(candidates(first, usage([first]), 3).plain)[0] == "vendor_id, venue_id"
    assert keys(candidates(first, usage([first, second]), 3).plain)[0] == "venue_id, vendor_id"


@pytest.mark.parametrize(
    "text",
    [
        "select * from small where kind = $1",
        "select * from far where id = $1",
        "select * from bookings where id = $1",
        "select * from bookings where paid",
        "select * from bookings",
    ],
)
def test_nothing_for_small_distant_indexed_or_unselective(text: str) -> None:
    assert offered(text).plain == ()


def test_a_partitioned_table_is_offered_an_index_of_the_whole() -> None:
    [found] = offered("select * from visits where vendor_id = $1").plain
    assert found == index("visits", "vendor_id")


def test_rare_boolean_may_lead() -> None:
    assert keys(offered("select * from bookings where archived").plain) == ["archived"]


def test_covering_only_where_small() -> None:
    [covering] = offered("select status from bookings where venue_id = $1").covering
    assert covering.include == ("status",)
    assert offered("select note from bookings where venue_id = $1").covering == ()
    assert offered("select * from bookings where venue_id = $1").covering == ()


def test_partial_for_rare_constants() -> None:
    found = offered("select * from bookings where status = 'rare' and venue_id = $1").partial
    assert {(item.where, item.fraction) for item in found} == {("\"status\" = 'rare'", 0.01)}
    assert offered("select * from bookings where status = 'confirmed' and venue_id = $1").partial == ()
    [null] = offered("select * from bookings where deleted_at is null and venue_id = $1").partial[:1]
    assert (null.where, null.fraction) == ('"deleted_at" IS NULL', 0.02)


def test_what_a_partial_index_needs_beside_its_constant_is_its_key() -> None:
    covering = offered("select email, id from bookings where archived").partial
    assert [(keys((item,)), item.include) for item in covering if item.include] == [(["id"], ("email",))]
    # Equal keys are packed: where nothing else is needed none takes less room.
    assert "archived" in keys(offered("select * from bookings where archived").partial)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("select * from bookings where archived is not false", {("archived", (), '"archived" IS NOT FALSE')}),
        (
            "select email from bookings where status <> 'confirmed'",
            {("status", (), "\"status\" <> 'confirmed'"), ("email", (), "\"status\" <> 'confirmed'")},
        ),
        (
            "select status, email from bookings where status is distinct from 'confirmed'",
            {
                ("status", (), "\"status\" IS DISTINCT FROM 'confirmed'"),
                ("status", ("email",), "\"status\" IS DISTINCT FROM 'confirmed'"),
            },
        ),
        (
            "select * from bookings where archived is not false and id > 3",
            {("archived", (), '"archived" IS NOT FALSE')},
        ),
        ("select * from bookings where archived is not true", set()),
        ("select * from bookings where deleted_at is not null", set()),
        ("select * from bookings where email <> 'x'", set()),
    ],
)
def test_few_rows_are_found_by_the_predicate_alone(
    text: str, found: set[tuple[str, tuple[str, ...], str]]
) -> None:
    partial = offered(text).partial
    assert {(str(item.columns[0].column), item.include, str(item.where)) for item in partial} == found
    uses = uses_of(text)
    assert all(helps(use, item) for use in uses for item in partial)
    assert all(stand_in(uses, item) is None for item in partial if not item.joint)


def test_a_full_index_stands_in_for_a_partial_one_that_reads_the_same() -> None:
    partial = index("bookings", "venue_id", include=("email",), where="\"status\" = 'rare'")
    uses = uses_of("select email from bookings where status = 'rare' and venue_id = $1")
    assert stand_in(uses, partial) == index("bookings", "status", "venue_id", include=("email",))
    assert stand_in((), partial) is None
    other = uses_of("select email from bookings where status = 'pending' and venue_id = $1")
    assert stand_in((*uses, *other), partial) is None
    [null] = offered("select * from bookings where deleted_at is null and venue_id = $1").partial[:1]
    assert (
        stand_in(uses_of("select * from bookings where deleted_at is null and venue_id = $1"), null) is None
    )


def test_two_statements_may_share_a_covering_index() -> None:
    first = index("bookings", "venue_id", include=("email",))
    second = index("bookings", "venue_id", "status")
    shared = set(shared_covers([first, second, index("bookings", "vendor_id", include=("note",))]))
    assert shared == {
        index("bookings", "venue_id", include=("email", "status")),
        index("bookings", "venue_id", "status", include=("email",)),
    }
    assert not set(shared_covers([index("bookings", "venue_id"), second]))


def test_prefix_needs_pattern_operators() -> None:
    [found] = offered("select * from bookings where email like 'ann%'").plain
    assert found.columns[0].sql() == '"email" pg_catalog.text_pattern_ops'
    assert offered("select * from bookings where email like '%ann'").plain == ()


def test_search_becomes_gin() -> None:
    [found] = offered("select * from vendors where to_tsvector('english', name) @@ to_tsquery($1)").searches
    assert found.create_sql("x") == (
        'CREATE INDEX "x" ON "public"."vendors" USING gin ((TO_TSVECTOR(\'english\', "name")))'
    )


def test_names_are_short_stable_and_different() -> None:
    long = IndexDef("public", "t" * 80, (Key(column_term("c" * 80)),))
    assert len(long.name().encode()) <= 63
    assert index("bookings", "venue_id").name() == index("bookings", "venue_id").name()
    names = {index("bookings", "venue_id").name(), index("bookings", "-venue_id").name()}
    assert len(names) == 2


def test_hostile_identifiers_are_quoted() -> None:
    found = IndexDef("a b", 'x"; drop table y;--', (Key(column_term('c"')),), include=("D",))
    assert found.create_sql("n") == (
        'CREATE INDEX "n" ON "a b"."x""; drop table y;--" USING btree ("c""") INCLUDE ("D")'
    )
    assert found.drop_sql("n", concurrently=True) == 'DROP INDEX CONCURRENTLY "a b"."n"'
    assert set(found.name()) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


def test_key_directions() -> None:
    term = column_term("c")
    forms = [Key(term), Key(term, True, True), Key(term, True, False), Key(term, False, True)]
    assert [key.sql() for key in forms] == ['"c"', '"c" DESC', '"c" DESC NULLS LAST', '"c" NULLS FIRST']
    assert forms[1].reversed() == forms[0]


def test_extends_means_does_all_the_other_does() -> None:
    wide = index("bookings", "venue_id", "status")
    assert wide.extends(index("bookings", "venue_id"))
    assert index("bookings", "venue_id", "x").extends(index("bookings", "-venue_id"))
    assert not wide.extends(wide)
    assert not wide.extends(index("bookings", "status"))
    assert not wide.extends(index("bookings", "venue_id", include=("id",)))
    assert not wide.extends(index("vendors", "venue_id"))
    assert not wide.extends(index("bookings", "venue_id", where="x"))


def test_an_existing_index_serves_its_prefixes() -> None:
    held = existing("i", ["a", "b"])
    assert serves(held, index("t", "a"))
    assert serves(held, index("t", "-a", "-b"))
    assert not serves(held, index("t", "a", "-b"))
    assert not serves(held, index("t", "b"))
    assert not serves(replace(held, valid=False), index("t", "a"))
    assert not serves(replace(held, predicate="x"), index("t", "a"))
    held = existing("e", [None], "CREATE INDEX e ON public.t USING btree (lower(email))")
    expression = IndexDef("public", "t", (Key(Term('(LOWER("email"))', None, ("email",))),))
    assert serves(held, expression)


@pytest.mark.parametrize(
    ("columns", "include", "real_bytes"),
    [
        (("venue_id",), (), 1_430_000),
        (("created_at",), (), 4_510_000),
        (("venue_id",), ("created_at",), 6_330_000),
    ],
)
def test_sizes_are_near_those_of_real_indexes(
    columns: tuple[str, ...], include: tuple[str, ...], real_bytes: int
) -> None:
    estimated = btree_bytes(BOOKINGS, index("bookings", *columns, include=include))
    assert abs(estimated / real_bytes - 1) < 0.1


def test_size_of_partial_empty_and_numeric() -> None:
    whole = btree_bytes(BOOKINGS, index("bookings", "created_at"))
    assert btree_bytes(BOOKINGS, index("bookings", "created_at", fraction=0.1)) == pytest.approx(
        whole / 10, rel=0.06
    )
    assert btree_bytes(relation("e", [column("a")], rows=0.0), index("e", "a")) == 16384
    assert btree_bytes(VENDORS, index("vendors", "rating")) > btree_bytes(
        VENDORS, index("vendors", "category")
    )


def test_tree_height() -> None:
    assert [tree_height(size) for size in (8192, 1e6, 1e8, 1e10)] == [0, 1, 2, 3]


def test_wide_keys_make_a_higher_tree_and_included_columns_do_not() -> None:
    narrow, wide = index("bookings", "venue_id", include=("note",)), index("bookings", "note", "venue_id")
    assert [btree_height(BOOKINGS, made, 180 * 8192) for made in (narrow, wide)] == [1, 2]


def test_padded_text_is_found_among_the_common_values_and_is_not_deduplicated() -> None:
    state = column(
        "state", "character(9)", 2, most_common_vals=("new      ", "old      "), most_common_freqs=(0.9, 0.1)
    )
    plain = column("plain", "character varying(9)", 2, avg_width=10)
    table = relation("t", [state, plain])
    assert value_fraction(table, "state", "old") == 0.1
    assert btree_bytes(table, index("t", "state")) > 2 * btree_bytes(table, index("t", "plain"))


def test_all_fixed_conditions_together_make_a_smaller_index() -> None:
    text = "select email from bookings where status in ('rare', 'pending') and not archived and created_at < wedding_date"
    assert not [
        item for item in offered(text).partial if item.joint
    ]  # the types differ, so nothing is compared
    text = "select email from bookings where status = 'rare' and archived and venue_id = $1"
    together = [item for item in offered(text).partial if len(item.joint) > 1]
    assert {item.where for item in together} == {'"archived" AND "status" = \'rare\''}
    assert {(keys([item])[0], item.include) for item in together} == {
        ("venue_id", ()),
        ("venue_id", ("email",)),
    }
    assert all(item.fraction == pytest.approx(0.0002) and item.guessed for item in together)


def test_what_an_exclusion_alone_names_need_not_be_in_the_index() -> None:
    text = "select venue_id, count(*) from bookings where note not like '%test%' group by venue_id"
    [found] = offered(text).partial
    assert found == index("bookings", "venue_id", where="\"note\" NOT LIKE '%test%'")
    assert (found.fraction, found.joint) == (1.0, (found.where,))
    assert effective(uses_of(text), found) == found
    shown = "select venue_id, count(note) from bookings where note not like '%test%' group by venue_id"
    assert offered(shown).partial == ()
    kept = "select venue_id from bookings where status <> 'confirmed' and venue_id = $1"
    found = next(item for item in offered(kept).partial if not item.include)
    assert (found.where, found.fraction) == ("\"status\" <> 'confirmed'", pytest.approx(0.3))


def test_a_full_index_with_what_the_conditions_name_stands_in_for_one_of_several() -> None:
    text = "select email from bookings where status = 'rare' and archived and venue_id = $1"
    both = {"where": '"archived" AND "status" = \'rare\'', "joint": ('"archived"', "\"status\" = 'rare'")}
    covering = index("bookings", "venue_id", include=("email",), **both)
    assert stand_in(uses_of(text), covering) == index(
        "bookings", "venue_id", include=("archived", "email", "status")
    )
    assert stand_in(uses_of(text), index("bookings", "venue_id", **both)) == index("bookings", "venue_id")
    other = uses_of("select email from bookings where status = 'rare'")
    assert stand_in(other, covering) is None


def test_for_hypopg_nothing_is_left_free() -> None:
    partial = index("bookings", "venue_id", where="\"status\" = 'rare'")
    assert partial.packed_sql().endswith('("venue_id") WITH (fillfactor = 100) WHERE "status" = \'rare\'')
    assert "fillfactor" not in partial.create_sql()
