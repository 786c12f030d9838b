"""What an index on an expression is promised for, before the planner has statistics of it."""

from __future__ import annotations

from typing import Any

import pytest
from test_indexes_fixture import column, relation, uses_of
from wedding_dbopt.catalog import Relation
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.expressions import Asked, Found, Kept, found_by, more_rows, notes
from wedding_dbopt.indexes.predicates import TableUse
from wedding_dbopt.indexes.size import KeyFacts, index_bytes
from wedding_dbopt.indexes.sizes import Sizes
from wedding_dbopt.indexes.terms import Term
from wedding_dbopt.plan import Node, Plan

EVENTS = relation("events", [column("day", "date", 500), column("name", "text")], rows=100_000.0, pages=2000)
LENGTH = Term('(LENGTH("name"))', None, ("name",))
BY_LENGTH = IndexDef("public", "events", (Key(LENGTH),))


@pytest.mark.parametrize(
    ("condition", "said", "values", "expected"),
    [
        ("lower(note) = 'x'", "(LOWER(\"note\") = 'x')", 1, 1 / 3),
        ("lower(note) in ('x', 'y')", "(LOWER(\"note\") IN ('x', 'y'))", 2, 0.005),
        ("lower(note) = $1", None, 1, 1 / 3),
        ("lower(note) > 'x'", "(LOWER(\"note\") > 'x')", 0, 1 / 3),
        ("lower(note) between 'x' and 'y'", "(LOWER(\"note\") BETWEEN 'x' AND 'y')", 0, 0.005),
        (
            "lower(note) > 'x' and lower(note) < 'y'",
            "(LOWER(\"note\") < 'y') AND (LOWER(\"note\") > 'x')",
            0,
            0.005,
        ),
        ("(lower(note), venue_id) = ('x', 3)", None, 1, 1 / 3),
        ("lower(note) = (select name from vendors)", None, 1, 1 / 3),
    ],
)
def test_what_a_statement_asks_of_an_expression(
    condition: str, said: str | None, values: int, expected: float
) -> None:
    use = next(
        use for use in uses_of(f"select * from bookings where {condition}") if use.relation.name == "bookings"
    )
    [asked] = use.expressions
    assert (asked.condition, asked.values, asked.expected) == (said, values, expected)


def test_each_arm_of_an_or_asks_for_itself() -> None:
    [use] = uses_of("select * from bookings where lower(note) = 'x' or lower(note) = 'y'")
    assert [item.condition for item in use.expressions] == [
        "(LOWER(\"note\") = 'x')",
        "(LOWER(\"note\") = 'y')",
    ]


def sizes(facts: dict[str | None, KeyFacts | None]) -> tuple[Sizes, list[str | None]]:
    read: list[str | None] = []

    def measure(table: Relation, index: IndexDef) -> KeyFacts | None:
        read.append(index.where)
        return facts[index.where]

    found = Sizes(index_bytes, measure)
    found.know([TableUse(EVENTS, ())])
    return found, read


def test_a_sample_tells_what_is_kept_once() -> None:
    told, read = sizes(
        {
            None: KeyFacts(20.0, ((LENGTH, 4.0),)),
            "a": KeyFacts(1.0, (), 0.4),
            "b": KeyFacts(0.0, (), 0.0),
            "c": None,
        }
    )
    asked = [Asked(LENGTH, text, 1, 1 / 3) for text in ("a", "b", "c", None)]
    shares = [told.kept(EVENTS, item) for item in (*asked, *asked)]
    assert shares[:4] == [Kept(0.4, 0.005), Kept(1 / 5000, 0.005), Kept(0.05, 0.005), Kept(0.05, 0.005)]
    assert (shares[4:], read) == (shares[:4], [None, "a", "b", "c"])
    assert told.kept(EVENTS, Asked(LENGTH, None, 0, 1 / 3)) == Kept(1 / 3, 1 / 3)
    assert told.size(BY_LENGTH) < index_bytes(EVENTS, BY_LENGTH) / 2


def test_where_nothing_may_be_read_nothing_is_told() -> None:
    told, _ = sizes({None: None})
    assert told.kept(EVENTS, Asked(LENGTH, "a", 1, 1 / 3)) is None
    use = TableUse(EVENTS, (), expressions=(Asked(LENGTH, "a", 1, 1 / 3),))
    [said], guessed = notes(BY_LENGTH, [use], told.kept)
    assert guessed and "is the planner's guess" in said
    assert notes(
        IndexDef("public", "events", (Key(Term('"name"', "name", ("name",))),)), [use], told.kept
    ) == ([], False)


def scan(kind: str, rows: float, cost: float, **more: Any) -> dict[str, Any]:
    return {"Node Type": kind, "Plan Rows": rows, "Total Cost": cost, **more}


def heap(rows: float, bitmap: dict[str, Any]) -> dict[str, Any]:
    pages = 2 * 2000 * rows / (4000 + rows)
    price = 4.0 - 3.0 * (pages / 2000) ** 0.5
    return scan(
        "Bitmap Heap Scan", rows, bitmap["Total Cost"] + pages * price + rows * 0.0125, Plans=[bitmap]
    )


def priced(node: dict[str, Any], times: float) -> float:
    def found_of(item: Node) -> Found | None:
        return Found(times, 2000.0, 100_000.0) if item.index == "i" else None

    return more_rows(Plan.from_json({"Plan": node}), found_of)


@pytest.mark.parametrize("times", [0.1, 1.0, 3.0, 40.0])
def test_a_bitmap_is_priced_as_the_planner_prices_as_many_rows(times: float) -> None:
    bitmap = scan("Bitmap Index Scan", 500, 10.0, **{"Index Name": "i"})
    later = scan("Bitmap Index Scan", 500 * times, 10.0 * times)
    if times < 5:
        assert priced(heap(500, bitmap), times) == pytest.approx(
            heap(500 * times, later)["Total Cost"] - heap(500, bitmap)["Total Cost"]
        )
    else:
        # All pages are read, each after the other.
        whole = 10.0 * times + 2000 + 500 * times * 0.0125
        assert priced(heap(500, bitmap), times) == pytest.approx(whole - heap(500, bitmap)["Total Cost"])


def test_other_scans_are_priced_by_rows_and_pages() -> None:
    assert priced(scan("Index Only Scan", 500, 20.0, **{"Index Name": "i"}), 3.0) == pytest.approx(40.0)
    plain = scan("Index Scan", 500, 1800.0, **{"Index Name": "i"})
    assert 0 < priced(plain, 2.0) < 1800.0
    assert priced(plain, 1.0) == 0
    both = scan(
        "BitmapOr",
        1000,
        25.0,
        Plans=[scan("Bitmap Index Scan", 500, 10.0, **{"Index Name": name}) for name in ("i", "j")],
    )
    assert priced(heap(1000, both), 2.0) == pytest.approx(
        10 + heap(1500, scan("", 1500, 25.0))["Total Cost"] - heap(1000, both)["Total Cost"]
    )


def test_a_scan_finds_no_more_than_the_sample_says_whatever_the_planner_expects() -> None:
    use = TableUse(EVENTS, (), expressions=(Asked(LENGTH, "a", 1, 1 / 3),))

    def times(rows: float, condition: str = "(length(events.name) = 3)") -> float | None:
        node = Node.from_json(scan("Index Scan", rows, 10.0, **{"Index Cond": condition}))
        found = found_by(node, BY_LENGTH, [use], lambda table, asked: Kept(0.4, 0.005))
        return None if found is None else found.times

    assert times(500) == pytest.approx(80)
    assert times(20_000) == pytest.approx(2)
    assert times(50_000) == 1
    assert times(500, "(events.day = 3)") is None
