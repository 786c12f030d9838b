"""A small wedding catalogue and a planner with simple prices, shared by the tests of index advice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wedding_dbopt.catalog import Catalog, Column, ForeignKey, Index, Relation
from wedding_dbopt.database import DatabaseError
from wedding_dbopt.errors import UnplannableQuery
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.predicates import TableUse, table_uses
from wedding_dbopt.indexes.terms import column_term
from wedding_dbopt.query import Query


def column(name: str, kind: str = "integer", distinct: float = -1.0, **facts: Any) -> Column:
    values: dict[str, Any] = {
        "name": name,
        "type": kind,
        "type_oid": 0,
        "not_null": False,
        "collation": None,
        "deterministic": True,
        "plain": True,
        "generated": False,
        "expression": None,
        "n_distinct": distinct,
        "null_frac": 0.0,
        "avg_width": 4 if kind == "integer" else 8,
        "correlation": 0.0,
        "most_common_vals": (),
        "most_common_freqs": (),
    }
    return Column(**{**values, **facts})


def existing(name: str, columns: Sequence[str | None], definition: str | None = None, **facts: Any) -> Index:
    listed = ", ".join(str(key) for key in columns)
    values: dict[str, Any] = {
        "name": name,
        "oid": 0,
        "columns": tuple(columns),
        "include": (),
        "expressions": None,
        "method": "btree",
        "unique": False,
        "primary": False,
        "valid": True,
        "immediate": True,
        "constraint": False,
        "predicate": None,
        "definition": definition or f"CREATE INDEX {name} ON public.t USING btree ({listed})",
        "size_bytes": 8192,
        "descending": tuple(False for _ in columns),
    }
    return Index(**{**values, **facts})


def relation(name: str, columns: Sequence[Column], **facts: Any) -> Relation:
    values: dict[str, Any] = {
        "oid": sum(name.encode()),
        "schema": "public",
        "name": name,
        "kind": "r",
        "inherited": False,
        "rows": 200_000.0,
        "pages": 3000,
        "columns": {item.name: item for item in columns},
        "indexes": (),
        "unique_keys": (),
        "foreign_keys": (),
        "row_security": False,
    }
    return Relation(**{**values, **facts})


def foreign_key(*columns: str) -> ForeignKey:
    return ForeignKey(
        name="fk",
        columns=columns,
        referenced=("public", "vendors"),
        referenced_columns=("id",),
        validated=True,
        deferrable=False,
    )


BOOKINGS = relation(
    "bookings",
    [
        column("id"),
        column("venue_id", distinct=500),
        column("vendor_id", distinct=3000),
        column(
            "status",
            "text",
            3,
            most_common_vals=("confirmed", "pending", "rare"),
            most_common_freqs=(0.7, 0.29, 0.01),
        ),
        column("wedding_date", "date", 900),
        column("created_at", "timestamp without time zone"),
        column("email", "text"),
        column("note", "text", avg_width=200),
        column("paid", "boolean", 2, most_common_vals=("t", "f"), most_common_freqs=(0.5, 0.5)),
        column("archived", "boolean", 2, most_common_vals=("f", "t"), most_common_freqs=(0.98, 0.02)),
        column("deleted_at", "timestamp without time zone", null_frac=0.02),
    ],
    indexes=(existing("bookings_pkey", ["id"], unique=True, primary=True, constraint=True),),
)
VENDORS = relation(
    "vendors",
    [
        column("id"),
        column("name", "text"),
        column("description", "text"),
        column("category", "text", 50),
        column("city", "text", 40),
        column("rating", "numeric(2,1)", 40),
        column("services", "jsonb"),
    ],
    rows=20_000.0,
)
SMALL = relation("small", [column("id"), column("kind")], pages=9)
LEAVES = (("public", "visits_old"), ("public", "visits_now"))
VISITS = relation("visits", [column("id"), column("vendor_id", distinct=3000)], kind="p", leaves=LEAVES)
PARTS = [
    relation(name, VISITS.columns.values(), oid=number, root=("public", "visits"))
    for number, (_, name) in enumerate(LEAVES)
]
FAR = relation("far", [column("id")], kind="p", leaves=LEAVES, local=False)
CATALOG = Catalog([BOOKINGS, VENDORS, SMALL, VISITS, *PARTS, FAR], ["public"])


def uses_of(text: str) -> tuple[TableUse, ...]:
    return table_uses(Query.parse(text).tree, CATALOG)


def index(table: str, *columns: str, **facts: Any) -> IndexDef:
    keys = tuple(
        Key(column_term(name.lstrip("-")), name.startswith("-"), name.startswith("-")) for name in columns
    )
    return IndexDef("public", table, keys, **facts)


class FakeSource:
    """A planner whose price of a statement is a function of the indexes that exist.

    `price` takes (statement key, {DDL: oid}) and returns the cost and the DDL of the used indexes.
    """

    def __init__(self, price: Callable[[str, list[str]], tuple[float, list[str]]]) -> None:
        self._price = price
        self.live: dict[int, str] = {}
        self._next = 100

    def explain(self, key: str) -> Any:
        if key == "broken":
            raise UnplannableQuery("relation missing")
        cost, used = self._price(key, sorted(self.live.values()))
        oids = {sql: oid for oid, sql in self.live.items()}
        scan = {"Node Type": "Index Scan", "Relation Name": "bookings"}
        scans = [
            {**scan, "Index Name": f"<{oids[sql]}>btree_x", "Index Cond": sql.split("(")[1].split(")")[0]}
            for sql in used
        ]
        return [{"Plan": {"Node Type": "Append", "Total Cost": cost, "Plan Rows": 1, "Plans": scans}}]

    def create_hypothetical(self, wanted: Sequence[tuple[str, tuple[str, str]]]) -> list[int]:
        if any("LOWER" in sql for sql, _ in wanted):
            raise DatabaseError("functions in index expression must be marked IMMUTABLE")
        oids = []
        for sql, _ in wanted:
            self._next += 1
            self.live[self._next] = sql
            oids.append(self._next)
        return oids

    def drop_hypothetical(self, oids: Sequence[int]) -> None:
        for oid in oids:
            del self.live[oid]


def test_the_catalogue_answers_by_search_path() -> None:
    assert [use.relation for use in uses_of("select * from bookings, public.vendors")] == [BOOKINGS, VENDORS]
