"""Which of the existing indexes are not worth keeping."""

from __future__ import annotations

from test_indexes_fixture import column, existing, foreign_key, relation
from wedding_dbopt.catalog import Index
from wedding_dbopt.indexes.existing import IndexFinding, findings


def found(
    *indexes: Index, scans: dict[str, int] | None = None, keys: tuple[str, ...] = ()
) -> list[IndexFinding]:
    table = relation(
        "t",
        [column("a"), column("b")],
        indexes=indexes,
        foreign_keys=(foreign_key(*keys),) if keys else (),
    )
    return findings([table], {("public", name): number for name, number in (scans or {}).items()})


def told(items: list[IndexFinding]) -> list[tuple[str, str, str | None]]:
    return [(item.kind, item.index, item.other) for item in items]


def test_one_of_two_equal_indexes_goes() -> None:
    assert told(found(existing("i", ["a"]), existing("j", ["a"]))) == [("duplicate", "i", "j")]


def test_the_constraint_stays() -> None:
    unique = existing("t_key", ["a"], unique=True, constraint=True)
    items = found(existing("z", ["a"]), unique)
    assert told(items) == [("duplicate", "z", "t_key")]
    assert items[0].drop_sql == 'DROP INDEX "public"."z"'
    assert items[0].create_sql == "CREATE INDEX z ON public.t USING btree (a)"
    assert found(unique, scans={"t_key": 0}) == []


def test_a_prefix_is_redundant() -> None:
    items = found(existing("short", ["a"]), existing("long", ["a", "b"]))
    assert told(items) == [("redundant_prefix", "short", "long")]
    assert "long (a, b)" in items[0].reason


def test_what_differs_is_neither() -> None:
    first = existing("first", ["a"])
    assert found(first, existing("o", ["b", "a"])) == []
    assert found(first, existing("o", ["a", "b"], predicate="(b > 1)")) == []
    assert found(first, existing("o", ["a", "b"], method="hash")) == []
    assert found(first, existing("o", ["a", "b"], valid=False))[0].kind == "invalid"
    definition = "CREATE INDEX o ON public.t USING btree (a text_pattern_ops, b)"
    assert found(first, existing("o", ["a", "b"], definition)) == []
    definition = "CREATE INDEX o ON public.t USING btree (lower(a), b)"
    assert found(first, existing("o", [None, "b"], definition)) == []
    assert found(existing("i", ["a"], include=("c",)), existing("o", ["a", "b"])) == []


def test_invalid_is_always_told() -> None:
    assert told(found(existing("i", ["a"], valid=False, unique=True))) == [("invalid", "i", None)]


def test_unused_needs_counters_and_spares_foreign_keys() -> None:
    assert found(existing("i", ["a"])) == []
    assert told(found(existing("i", ["a"]), scans={"i": 0})) == [("unused", "i", None)]
    assert found(existing("i", ["a"]), scans={"i": 7}) == []
    assert found(existing("i", ["a"]), scans={"i": 0}, keys=("a",)) == []
    other = existing("o", ["a", "b"], definition="CREATE INDEX o ON public.t USING btree (a DESC, b)")
    assert told(found(existing("i", ["a"]), other, scans={"i": 0}, keys=("a",))) == [("unused", "i", None)]
