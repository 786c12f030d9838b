from __future__ import annotations

from wedding_dbopt.tuning.constants import needs_constants, with_constants

NORMALISED = (
    "select id from vendors where to_tsvector($2, name || $3 || coalesce(description, $4)) "
    "@@ websearch_to_tsquery($5, $1) and status = $6 limit $7"
)


def test_only_the_constants_of_the_expression_are_taken() -> None:
    full = (
        "select id from vendors where to_tsvector('english', name || ' ' || coalesce(description, '')) "
        "@@ websearch_to_tsquery('english', 'jane@example.org') and status = 'active' limit 20;"
    )
    assert with_constants(NORMALISED, full) == (
        "select id from vendors where to_tsvector('english', name || ' ' || coalesce(description, '')) "
        "@@ websearch_to_tsquery($1, $2) and status = $3 limit $4"
    )


def test_another_statement_gives_nothing() -> None:
    assert with_constants(NORMALISED, "select 1") is None
    assert with_constants(NORMALISED, NORMALISED.replace("vendors", "venues")) is None


def test_a_parameter_in_the_expression_gives_nothing() -> None:
    assert with_constants(NORMALISED, NORMALISED) is None


def test_need_is_seen_in_the_call_only() -> None:
    assert needs_constants(NORMALISED)
    assert not needs_constants("select 1 where to_tsvector('english', name) @@ to_tsquery($1)")
    assert not needs_constants("select '$1 to_tsvector($1)'")


def test_data_inside_the_expression_gives_nothing() -> None:
    normalised = "insert into notes values ($1, to_tsvector($2, $3))"
    full = "insert into notes values (1, to_tsvector('english', 'Groom John john@example.org'))"
    assert with_constants(normalised, full) is None
    assert with_constants(normalised, "insert into notes values (1, to_tsvector('john', ' '))") is None
