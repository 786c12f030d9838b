"""Partial indexes that a parameter keeps a generic plan from using are named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_indexes_fixture import BOOKINGS, existing, index, uses_of
from wedding_dbopt.indexes.definition import IndexDef
from wedding_dbopt.indexes.generic_plans import notes
from wedding_dbopt.indexes.predicates import TableUse
from wedding_dbopt.query import Query

FIXED = "select * from bookings where venue_id = $1 and status = 'pending'"
GIVEN = "select * from bookings where venue_id = $1 and status = $2"
RARE = index("bookings", "venue_id", where="\"status\" = 'pending'")


def said(chosen: IndexDef, *texts: str, served: tuple[str, ...] = ("0",)) -> list[str]:
    uses = {str(number): uses_of(text) for number, text in enumerate(texts)}
    queries = {str(number): Query.parse(text) for number, text in enumerate(texts)}
    return list(notes(chosen, served, queries, uses))


def test_a_chosen_partial_index_names_the_statement_that_gives_its_column_as_a_parameter() -> None:
    [note] = said(RARE, FIXED, GIVEN)
    assert note.startswith("A generic plan of statement 1 cannot use it: status is a parameter there")


@pytest.mark.parametrize(
    "text",
    [
        FIXED,
        "select * from bookings where status = $1",
        "select * from bookings where venue_id = $1",
        "select * from bookings where venue_id = 3 and status = 'confirmed'",
        "select * from vendors where city = $1",
    ],
)
def test_who_needs_no_such_index_is_not_named(text: str) -> None:
    assert said(RARE, FIXED, text) == []


def test_an_existing_partial_index_that_a_generic_plan_passes_over_is_named() -> None:
    partial = existing("pending_ones", ["venue_id"], predicate="(status = 'pending'::text)")
    held = replace(BOOKINGS, indexes=(partial,))
    uses: tuple[TableUse, ...] = tuple(replace(use, relation=held) for use in uses_of(GIVEN))
    whole = index("bookings", "venue_id", "status")
    [note] = notes(whole, ["0"], {"0": Query.parse(GIVEN)}, {"0": uses})
    assert "cannot use the existing partial index pending_ones" in note
    assert list(notes(whole, [], {"0": Query.parse(GIVEN)}, {"0": uses})) == []
