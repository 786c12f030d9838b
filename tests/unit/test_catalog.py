"""What the catalogue's rows become, and how names are looked up. The queries run in tests/system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.query import Table

STATISTICS = {
    "n_distinct": -1.0,
    "null_frac": 0.0,
    "avg_width": 8,
    "correlation": 0.5,
    "most_common_vals": ["1", "2"],
    "most_common_freqs": [0.5, 0.25],
}


def relation(oid: int, schema: str, name: str, **other: Any) -> dict[str, Any]:
    row = {
        "oid": oid,
        "schema": schema,
        "name": name,
        "kind": "r",
        "rows": 10,
        "pages": 1,
        "row_security": False,
        "root": None,
    }
    return {**row, "inherited": False, "hidden": False, **other}


def column(oid: int, name: str, not_null: bool, **other: Any) -> dict[str, Any]:
    row = {"relation": oid, "name": name, "type": "bigint", "type_oid": 20, "not_null": not_null}
    return {
        **row,
        "collation": None,
        "plain": True,
        "deterministic": True,
        "generated": False,
        "expression": None,
        **other,
    }


def index(oid: int, name: str, columns: list[str | None], **other: Any) -> dict[str, Any]:
    row = {
        "relation": oid,
        "name": name,
        "oid": oid + 100,
        "method": "btree",
        "unique": True,
        "primary": False,
    }
    row |= {"valid": True, "immediate": True, "usual_equality": True, "constraint": True, "pages": 2}
    row |= {
        "expressions": None,
        "predicate": None,
        "definition": f"CREATE UNIQUE INDEX {name}",
        "include": [],
    }
    return {**row, "columns": columns, "descending": [False] * len(columns), **other}


class FakeDatabase:
    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.asked: list[Sequence[Any]] = []

    def query(self, sql: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        assert sql.count("$1") >= 1 and len(types) == len(values)
        self.asked.append(values)
        return self.answers.pop(0)

    def rolled_back(self) -> Any:
        raise AssertionError("reading the catalogue needs no subtransaction")

    subtransaction = commit = rolled_back


BOOKINGS = Table(None, "bookings", "b")


def test_one_relation_is_read_with_its_columns_indexes_and_keys() -> None:
    database = FakeDatabase(
        [relation(7, "app", "bookings")],
        [column(7, "id", True), column(7, "code", True), column(7, "vendor_id", False)],
        [
            index(7, "bookings_pkey", ["id"], primary=True),
            index(7, "deferred", ["code"], immediate=False),
            index(7, "partial", ["code"], predicate="(code > 1)"),
            index(7, "lowered", [None], expressions="lower(code)"),
            index(7, "invalid", ["code"], valid=False),
            index(7, "other_equality", ["code"], usual_equality=False),
            index(7, "by_vendor", ["vendor_id", "code"], include=["id"]),
        ],
        [
            {
                **{"relation": 7, "name": "bookings_vendor_fk", "columns": ["vendor_id"], "validated": True},
                **{"referenced_schema": "app", "referenced_name": "vendors", "referenced_columns": ["id"]},
                "deferrable": False,
            }
        ],
        [
            {"schema": "app", "table": "bookings", "column": "id", **dict.fromkeys(STATISTICS)},
            {"schema": "app", "table": "bookings", "column": "id", **STATISTICS},
        ],
    )
    catalog = Catalog.load(database, [BOOKINGS, BOOKINGS], ["public", "app"])
    asked = [[["bookings"], ["app", "public"]], [[7]], [[7]], [[7]], [["app"], ["bookings"]]]
    assert database.asked == asked
    bookings = catalog.relation(BOOKINGS)
    assert bookings is not None and bookings in catalog.relations()
    assert bookings.columns["id"].most_common_freqs == (0.5, 0.25)
    assert bookings.columns["code"].n_distinct is None and bookings.columns["code"].most_common_vals == ()
    assert bookings.unique_keys == (("id",), ("vendor_id", "code"))
    assert bookings.unique_on(["id", "code"]) and not bookings.unique_on(["code"])
    assert not bookings.unique_on(["vendor_id", "code"]), "a unique key with a NULL column repeats"
    assert (
        bookings.not_null("code") and not bookings.not_null("vendor_id") and not bookings.not_null("absent")
    )
    assert bookings.indexes[-1].include == ("id",) and bookings.indexes[0].size_bytes == 16384
    assert bookings.foreign_keys[0].referenced == ("app", "vendors")


def test_constraints_of_views_and_of_parents_of_other_tables_prove_nothing() -> None:
    for other in ({"kind": "v"}, {"inherited": True}, {"kind": "f"}):
        database = FakeDatabase(
            [relation(7, "app", "bookings", **other)],
            [column(7, "id", True)],
            [index(7, "k", ["id"])],
            [],
            [],
        )
        found = Catalog.load(database, [BOOKINGS], ["app"]).relation(BOOKINGS)
        assert found is not None and not found.not_null("id") and not found.unique_on(["id"])


def test_names_are_found_along_the_search_path() -> None:
    rows = [relation(1, "a", "bookings"), relation(2, "b", "bookings"), relation(3, "b", "pg_class")]
    rows += [
        relation(4, "pg_catalog", "pg_class", hidden=True),
        relation(5, "pg_temp_3", "guests", hidden=True),
    ]
    rows += [relation(6, "a", "guests")]
    names = [
        BOOKINGS,
        Table("b", "pg_class", "pg_class"),
        Table("b", "bookings", "x"),
        Table(None, "guests", "g"),
    ]
    catalog = Catalog.load(FakeDatabase(rows, [], [], [], []), names, ["b", "a"])
    assert [found.oid if (found := catalog.relation(name)) else None for name in names] == [2, 3, 2, None]
    assert catalog.relation(Table(None, "pg_class", "c")) is None
    assert catalog.relation(Table("c", "bookings", "b")) is None
    assert catalog.relation(Table(None, "vendors", "v")) is None


def test_nothing_is_asked_without_tables_and_little_without_a_find() -> None:
    database = FakeDatabase([])
    assert Catalog.load(database, [], ["public"]).relations() == ()
    assert database.asked == []
    assert Catalog.load(database, [BOOKINGS], ["public"]).relation(BOOKINGS) is None
    assert len(database.asked) == 1
