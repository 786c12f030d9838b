"""What the referee needs no server for: sort keys, generated rows that keep constraints, the judgement of measurements."""

from __future__ import annotations

import pytest
import sqlglot
from wedding_dbopt.plan import Plan
from wedding_dbopt.representatives import Binding
from wedding_dbopt.rewrite.comparison import Form
from wedding_dbopt.rewrite.constraints import Reference, Shape, ShapeColumn
from wedding_dbopt.rewrite.edge_values import Constants, edge_values
from wedding_dbopt.rewrite.generated_tables import RECIPES, generated, parents_first
from wedding_dbopt.rewrite.measure import Measured, Pair, overall


def column(name: str, kind: str = "int4", not_null: bool = False) -> ShapeColumn:
    return ShapeColumn(name, kind, kind, not_null, (), None, True)


def shape(name: str, *columns: ShapeColumn, keys: tuple[Reference, ...] = ()) -> Shape:
    return Shape("public", name, columns, (), (("id",),), keys, ("id",), (), None)


VENDOR = shape("vendor", column("id", not_null=True), column("name", "text"))
BOOKING = shape(
    "booking",
    column("id", not_null=True),
    column("vendor_id", not_null=True),
    keys=(Reference(("vendor_id",), ("public", "vendor"), ("id",)),),
)


@pytest.mark.parametrize(
    ("text", "keyed"),
    [
        ("select a from t order by a", "SELECT (a) AS wedding_dbopt_key1, a FROM t ORDER BY a"),
        (
            "select a, count(*) as n from t group by 1 order by n desc, 1",
            "SELECT (COUNT(*)) AS wedding_dbopt_key1, (a) AS wedding_dbopt_key2, a, COUNT(*) AS n FROM t "
            "GROUP BY 3 ORDER BY n DESC, 3",
        ),
        ("select distinct a from t order by a + 1", None),
        ("select * from t order by 2", None),
        ("select a from t", None),
    ],
)
def test_sort_keys_become_the_first_columns(text: str, keyed: str | None) -> None:
    assert Form.of(text).keyed == keyed


def test_a_limit_is_taken_off() -> None:
    form = Form.of("select a from t order by a limit 3 offset 2")
    assert form.limited
    assert form.unlimited == "SELECT a FROM t ORDER BY a"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_generated_rows_keep_keys_and_are_the_same_again(recipe: object) -> None:
    assert parents_first([BOOKING, VENDOR]) == [VENDOR, BOOKING]
    for seed in range(20):
        tables = generated([BOOKING, VENDOR], Constants(), recipe, seed)  # type: ignore[arg-type]
        assert tables == generated([BOOKING, VENDOR], Constants(), recipe, seed)  # type: ignore[arg-type]
        vendors = [row[0] for row in tables.rows["public", "vendor"]]
        bookings = tables.rows["public", "booking"]
        assert len(set(vendors)) == len(vendors)
        assert "null" not in vendors
        assert {row[1] for row in bookings} <= set(vendors)
        assert len({row[0] for row in bookings}) == len(bookings)


def test_values_lie_around_the_constants() -> None:
    tree = sqlglot.parse_one(
        "select 1 from t where a = 41 and d > date '2026-05-02' and n = 'x%' and j ->> 'k' = '7'",
        dialect="postgres",
    )
    constants = Constants.of([tree])
    assert {"40", "41", "42"} <= set(edge_values("int4", (), constants, False))
    assert {"2026-05-01", "2026-05-02", "2026-05-03"} <= set(edge_values("date", (), constants, False))
    assert {"x%", "x", "X%", "xz"} <= set(edge_values("text", (), constants, False))
    assert {'{"k": 7}', '{"k": "7"}', '["k"]'} <= set(
        edge_values("jsonb", (), constants.by_column["j"], False)
    )
    assert "infinity" in edge_values("date", (), constants, True)
    assert edge_values("unknown_type", (), constants, True) == []


def test_constants_take_the_place_of_parameters_only() -> None:
    binding = Binding("common", {1: "('a'::text)", 2: "(5::integer)"})
    text = "select '$1', $1, $2 from t -- $2\n where $tag$ $1 $tag$ = $1"
    assert binding.bound(text) == (
        "select '$1', ('a'::text), (5::integer) from t -- $2\n where $tag$ $1 $tag$ = ('a'::text)"
    )


def measured(ms: float, buffers: int, noise: float = 0.0) -> Measured:
    return Measured(ms, buffers, 1, 4, noise, Plan.from_json({"Node Type": "Result"}))


@pytest.mark.parametrize(
    ("before", "after", "judgement"),
    [
        (measured(100, 1000), measured(10, 1000), "better"),
        (measured(100, 1000), measured(101, 100), "better"),
        (measured(100, 1000), measured(90, 1000), "same"),
        (measured(100, 1000), measured(200, 100), "worse"),
        (measured(100, 1000, noise=1.5), measured(200, 1000), "same"),
        (measured(0.05, 3), measured(0.1, 3), "same"),
        (None, measured(10, 10), "better"),
        (measured(10, 10), None, "worse"),
        (None, None, "same"),
    ],
)
def test_time_and_buffers_decide_beyond_the_noise(
    before: Measured | None, after: Measured | None, judgement: str
) -> None:
    assert Pair("as written", before, after).judgement == judgement


def test_one_set_of_constants_that_is_worse_decides() -> None:
    better = Pair("common", measured(100, 1000), measured(1, 10))
    worse = Pair("rare", measured(1, 10), measured(100, 1000))
    assert overall([better]) == "better"
    assert overall([better, worse]) == "worse"
    assert overall([]) == "same"
