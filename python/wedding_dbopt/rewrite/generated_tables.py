"""Small tables that keep the constraints of the schema and are full of NULLs, duplicates, ties and edges.

They are written as common table expressions, so a statement reads them where it names its tables: nothing is created.
Unique keys and foreign keys are kept by the choice of the values, CHECK constraints by a filter of the server, whose
generated columns it computes too.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wedding_dbopt.rewrite.constraints import Shape, ShapeColumn
from wedding_dbopt.rewrite.edge_values import ZONES, Constants, Expression, edge_values
from wedding_dbopt.role_functions import literal

#: How often a column takes a value near the constants that it is compared with.
OWN_CONSTANTS = 0.6

Place = tuple[str, str]
Rows = list[list[str | None]]


@dataclass(frozen=True)
class Recipe:
    """How a set of tables is made; `values` is the number of different values a column chooses from."""

    name: str
    rows: int
    values: int
    nulls: float
    special: bool = False
    empty: int | None = None
    zone: str | None = None


RECIPES = (
    Recipe("plain", 6, 4, 0.2),
    Recipe("all empty", 0, 1, 0.0),
    Recipe("duplicates and ties", 8, 2, 0.15),
    Recipe("mostly NULL", 6, 3, 0.7),
    Recipe("no two values alike", 7, 40, 0.15),
    Recipe("first table empty", 5, 3, 0.2, empty=0),
    Recipe("infinities and ends of ranges", 6, 6, 0.2, special=True),
    Recipe("last table empty", 5, 3, 0.2, empty=-1),
    Recipe("around the constants", 9, 5, 0.1),
    Recipe("one row", 1, 2, 0.3),
    Recipe("clocks go back over midnight", 10, 8, 0.0, zone="Atlantic/Azores"),
    Recipe("clocks go back over midnight, elsewhere", 10, 8, 0.0, zone="America/Havana"),
    Recipe("more rows", 14, 6, 0.2),
    Recipe("more rows, few values", 12, 3, 0.1),
)


@dataclass(frozen=True)
class Tables:
    """One set of tables: its name, the session's time zone, and each table's rows as SQL."""

    name: str
    zone: str
    rows: Mapping[Place, Sequence[Sequence[str]]]


def generated(shapes: Sequence[Shape], constants: Constants, recipe: Recipe, seed: int) -> Tables:
    """The tables of a recipe; the same for the same seed."""
    chance = random.Random(f"{seed} {recipe.name}")
    ordered = parents_first(shapes)
    kept: dict[Place, list[dict[str, str | None]]] = {}
    pools: dict[str, list[str]] = {}
    for number, shape in enumerate(ordered):
        empty = recipe.empty is not None and number == recipe.empty % len(ordered)
        count = 0 if empty else recipe.rows
        kept[shape.place] = _table(shape, count, kept, recipe, constants, pools, chance)
    return Tables(
        recipe.name,
        recipe.zone or chance.choice(ZONES),
        {
            shape.place: [
                [_sql(row[column.name]) for column in shape.columns if column.generated is None]
                for row in kept[shape.place]
            ]
            for shape in ordered
        },
    )


def parents_first(shapes: Sequence[Shape]) -> list[Shape]:
    """The tables in an order in which a foreign key points back, cycles apart."""
    waiting = {shape.place: shape for shape in shapes}
    found: list[Shape] = []

    def visit(shape: Shape) -> None:
        del waiting[shape.place]
        for key in shape.foreign_keys:
            if key.referenced in waiting:
                visit(waiting[key.referenced])
        found.append(shape)

    while waiting:
        visit(next(iter(waiting.values())))
    return found


def _table(
    shape: Shape,
    count: int,
    kept: Mapping[Place, list[dict[str, str | None]]],
    recipe: Recipe,
    constants: Constants,
    pools: dict[str, list[str]],
    chance: random.Random,
) -> list[dict[str, str | None]]:
    rows: list[dict[str, str | None]] = []
    columns = [column for column in shape.columns if column.generated is None]
    for _ in range(count):
        row = {column.name: _value(column, recipe, constants, pools, chance) for column in columns}
        if _point_at_parents(row, shape, kept, chance) and _unique(row, rows, shape):
            rows.append(row)
    return rows


def _value(
    column: ShapeColumn,
    recipe: Recipe,
    constants: Constants,
    pools: dict[str, list[str]],
    chance: random.Random,
) -> str | None:
    if not column.usable or (not column.not_null and chance.random() < recipe.nulls):
        return None
    own = constants.by_column.get(column.name)
    if own is not None and chance.random() < OWN_CONSTANTS:
        near = pools.setdefault(
            f"{column.pool} {column.name}", edge_values(column.kind, column.labels, own, recipe.special)
        )
        if column.kind in ("json", "jsonb"):  # of these none is nearer than another
            return chance.choice(near)
        return near[min(int(chance.expovariate(0.35)), len(near) - 1)] if near else None
    values = pools.get(column.pool)
    if values is None:
        values = edge_values(column.kind, column.labels, constants, recipe.special)
        if len(values) > recipe.values:  # those near the constants stand first
            near = values[: 2 * recipe.values]
            count = min(len(near), max(recipe.values - 1, 1))
            values = [*chance.sample(near, count), chance.choice(values)]
        pools[column.pool] = values
    return chance.choice(values) if values else None


def _point_at_parents(
    row: dict[str, str | None],
    shape: Shape,
    kept: Mapping[Place, list[dict[str, str | None]]],
    chance: random.Random,
) -> bool:
    """Let the row's foreign keys point at rows that are there; tell whether that could be done."""
    not_null = {column.name for column in shape.columns if column.not_null}
    for key in shape.foreign_keys:
        if key.referenced not in kept and key.referenced != shape.place:
            continue  # not in the statement, or a cycle: the column may hold anything
        if any(row[name] is None for name in key.columns):
            continue
        parents = [row] if key.referenced == shape.place else kept[key.referenced]
        complete = [parent for parent in parents if all(parent.get(name) for name in key.referenced_columns)]
        if complete:
            parent = chance.choice(complete)
            for name, referenced in zip(key.columns, key.referenced_columns):
                row[name] = parent[referenced]
        elif not_null.issuperset(key.columns):
            return False
        else:
            for name in set(key.columns) - not_null:
                row[name] = None
    return True


def _unique(row: dict[str, str | None], rows: list[dict[str, str | None]], shape: Shape) -> bool:
    """Tell whether the row differs from the others in every unique key."""
    columns = {column.name: column for column in shape.columns}
    for key in shape.unique_keys:
        values = [_compared(row.get(name), columns[name]) for name in key]
        others = ([_compared(other.get(name), columns[name]) for name in key] for other in rows)
        if None not in values and values in others:
            return False
    return True


def _compared(value: str | None, column: ShapeColumn) -> str | None:
    """A text that is the same for values that are equal."""
    if value is None:
        return None
    if column.kind in ("numeric", "float4", "float8"):
        return str(float(value))
    if column.kind == "bpchar":
        value = value.rstrip(" ")
    return value.casefold() if column.folds else value


def _sql(value: str | None) -> str:
    if value is None:
        return "null"
    return str(value) if isinstance(value, Expression) else literal(value)


def definitions(shapes: Sequence[Shape], tables: Tables, names: Mapping[Place, str]) -> list[str]:
    """The common table expressions that make the tables, parents first, under the given names."""
    return [
        f"{names[shape.place]} as materialized ({_select(shape, tables, names)})"
        for shape in parents_first(shapes)
    ]


def _select(shape: Shape, tables: Tables, names: Mapping[Place, str]) -> str:
    given = [column for column in shape.columns if column.generated is None]
    listed = ", ".join(
        f"{column.quoted}::{column.type} as {column.quoted}"
        if column.generated is None
        else f"({column.generated}) as {column.quoted}"
        for column in shape.columns
    )
    typed = ", ".join(f"v.{column.quoted}::{column.type} as {column.quoted}" for column in given)
    rows = tables.rows[shape.place]
    if not rows:
        rows = [["null"] * len(given)]
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    inner = f"select {typed} from (values {values}) v ({', '.join(column.quoted for column in given)})"
    conditions = [f"({check}) is not false" for check in shape.checks]
    if not tables.rows[shape.place]:
        conditions.append("false")
    for key in shape.foreign_keys:
        if key.referenced in names and key.referenced != shape.place and key.referenced in tables.rows:
            conditions.append(_points(shape, key.columns, key.referenced_columns, names[key.referenced]))
    where = f" where {' and '.join(conditions)}" if conditions else ""
    if any(column.generated is not None for column in shape.columns):
        inner = f"select {listed} from ({inner}) made"
    return f"select * from ({inner}) kept{where}"


def _points(shape: Shape, columns: Sequence[str], referenced: Sequence[str], parent: str) -> str:
    quoted = {column.name: column.quoted for column in shape.columns}
    missing = " or ".join(f"kept.{quoted[name]} is null" for name in columns)
    equal = " and ".join(
        f"parent.{_quoted(there)} = kept.{quoted[here]}" for here, there in zip(columns, referenced)
    )
    return f"({missing} or exists (select from {parent} parent where {equal}))"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
