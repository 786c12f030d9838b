"""Search for rows on which two forms of a statement differ: small generated tables, always the same for a seed.

Both forms read common table expressions in the place of their tables, in one read-only statement, as the role that
runs the statement: nothing is created, no row of a user is read. Only where the server wants a primary key to be known
(GROUP BY a key, other columns selected) the tables are made as temporary ones and rolled back.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from wedding_dbopt.catalog import Catalog
from wedding_dbopt.database import DatabaseError, TimeLimitReached
from wedding_dbopt.planning import Execution
from wedding_dbopt.query import folded, named, table_nodes
from wedding_dbopt.rewrite.comparison import Form, Outcome, compare_rows
from wedding_dbopt.rewrite.constraints import Shape
from wedding_dbopt.rewrite.edge_values import Constants
from wedding_dbopt.rewrite.generated_tables import (
    RECIPES,
    Place,
    Tables,
    definitions,
    generated,
    parents_first,
)
from wedding_dbopt.rewrite.splice import parsed
from wedding_dbopt.role_functions import literal

SECONDS = 4.0
SECONDS_PER_SET = 1.0
SHUFFLES = 3
MOST_SHOWN = 6
GROUPING_ERROR = "42803"


@dataclass(frozen=True)
class Counterexample:
    """Rows on which the forms differ: the tables by name, the session's time zone, and how the results differ."""

    tables: Mapping[str, Sequence[Sequence[str]]]
    zone: str
    difference: str

    def text(self) -> str:
        """A sentence with the rows."""
        rows = "; ".join(
            f"{name} holds " + (", ".join(f"({', '.join(row)})" for row in rows[:MOST_SHOWN]) or "no row")
            for name, rows in self.tables.items()
        )
        return f"In time zone {self.zone}, where {rows}: {self.difference}"


@dataclass(frozen=True)
class Search:
    """What was tried: `decided` of `tried` sets of tables could be judged, `fruitful` of them gave `rows` rows.

    `undone` says why it was not more.
    """

    tried: int
    decided: int
    rows: int
    fruitful: int = 0
    counterexample: Counterexample | None = None
    undone: str | None = None
    incomplete: tuple[str, ...] = ()


def search(
    execution: Execution,
    catalog: Catalog,
    shapes: Sequence[Shape],
    before: str,
    after: str,
    *,
    seeds: int = 1,
    seconds: float = SECONDS,
) -> Search:
    """Compare two forms without parameters on generated tables, until they differ or the time is over."""
    trees = [parsed(text) for text in (before, after)]
    if any(tree is None for tree in trees):
        return Search(0, 0, 0, undone="the parser does not read it")
    found = [tree for tree in trees if tree is not None]
    relations = {named(node): catalog.relation(named(node)) for tree in found for node in table_nodes(tree)}
    wanted = {relation.place for relation in relations.values() if relation is not None}
    unknown = next((table.name for table, relation in relations.items() if relation is None), None)
    if unknown is not None:
        return Search(0, 0, 0, undone=f"{unknown} is no table of a user")
    used = [shape for shape in shapes if shape.place in wanted]
    impossible = next((shape.impossible for shape in used if shape.impossible), None)
    if impossible or not used:
        return Search(0, 0, 0, undone=impossible or "it reads no table")
    names = {shape.place: f"wedding_dbopt_table{number}" for number, shape in enumerate(used)}
    forms = [Form.of(_renamed(text, catalog, names)) for text in (before, after)]
    trial = _Trial(execution, used, names, forms[0], forms[1])
    constants = Constants.of(found)
    incomplete = tuple(f"{shape.name}: {reason}" for shape in used for reason in shape.incomplete)
    ends = time.monotonic() + seconds
    result = Search(0, 0, 0, incomplete=incomplete)
    for seed in range(seeds):
        for recipe in RECIPES:
            if time.monotonic() > ends:
                return replace(result, undone="the time limit was reached")
            tables = generated(used, constants, recipe, seed)
            try:
                outcome = trial.compare(tables)
            except TimeLimitReached:
                return replace(result, tried=result.tried + 1, undone="the time limit was reached")
            decided = outcome.equal is not None
            result = replace(
                result,
                tried=result.tried + 1,
                decided=result.decided + decided,
                rows=result.rows + outcome.rows,
                fruitful=result.fruitful + (decided and outcome.rows > 0),
                undone=None if decided or result.decided else outcome.why,
            )
            if outcome.equal is False:
                smaller, outcome = trial.shrunk(tables, outcome)
                shown = dict(_shown(shape, smaller, found) for shape in used)
                return replace(result, counterexample=Counterexample(shown, tables.zone, outcome.why))
    return result


def _shown(shape: Shape, tables: Tables, trees: Sequence[exp.Expr]) -> tuple[str, list[list[str]]]:
    """The table's name with the columns that the forms name, and their values."""
    named_columns = {folded(column.this) for tree in trees for column in tree.find_all(exp.Column)}
    columns = [column.name for column in shape.columns if column.generated is None]
    places = [number for number, name in enumerate(columns) if name in named_columns]
    places = places or list(range(len(columns)))
    title = f"{shape.name} ({', '.join(columns[number] for number in places)})"
    return title, [[row[number] for number in places] for row in tables.rows[shape.place]]


class _Trial:
    """Both forms over one set of tables."""

    def __init__(
        self,
        execution: Execution,
        shapes: Sequence[Shape],
        names: Mapping[Place, str],
        before: Form,
        after: Form,
    ) -> None:
        self._execution = execution
        self._shapes = shapes
        self._names = names
        self._before = before
        self._after = after
        self._made = False  # whether the tables must be real ones

    def compare(self, tables: Tables) -> Outcome:
        outcome = self._compared(tables)
        if outcome.equal is False and not self._is_determined(tables):
            return Outcome(None, outcome.rows, "the statement itself does not decide which rows come")
        return outcome

    def shrunk(self, tables: Tables, outcome: Outcome) -> tuple[Tables, Outcome]:
        """As few rows as still show the difference."""
        for place, rows in tables.rows.items():
            for row in rows:
                fewer = [other for other in tables.rows[place] if other is not row]
                smaller = replace(tables, rows={**tables.rows, place: fewer})
                try:
                    found = self.compare(smaller)
                except TimeLimitReached:
                    return tables, outcome
                if found.equal is False:
                    tables, outcome = smaller, found
        return tables, outcome

    def _compared(self, tables: Tables) -> Outcome:
        try:
            return compare_rows(lambda text: self._run(text, tables), self._before, self._after)
        except TimeLimitReached:
            raise
        except DatabaseError as error:
            if error.sqlstate == GROUPING_ERROR and not self._made:
                self._made = True
                return self._compared(tables)
            return self._failed(tables, error)

    def _failed(self, tables: Tables, error: DatabaseError) -> Outcome:
        """Which form fails? An error of the original decides nothing, one of the new form alone does."""
        try:
            self._rows(self._before, tables)
        except TimeLimitReached:
            raise
        except DatabaseError:
            return Outcome(None, 0, f"the statement fails there ({error.sqlstate})")
        try:
            self._rows(self._after, tables)
        except TimeLimitReached:
            raise
        except DatabaseError as failure:
            return Outcome(False, 0, f"it fails with SQLSTATE {failure.sqlstate}: {failure}")
        return Outcome(None, 0, f"the forms cannot be compared there ({error.sqlstate})")

    def _is_determined(self, tables: Tables) -> bool:
        """Whether the original returns the same rows when the tables' rows lie in another order."""
        try:
            expected = sorted(self._rows(self._before, tables))
            for number in range(SHUFFLES):
                chance = random.Random(number)
                shuffled = {
                    place: chance.sample(list(rows), len(rows)) for place, rows in tables.rows.items()
                }
                if sorted(self._rows(self._before, replace(tables, rows=shuffled))) != expected:
                    return False
        except TimeLimitReached:
            raise
        except DatabaseError:
            return False
        return True

    def _rows(self, form: Form, tables: Tables) -> list[str]:
        alone = "select coalesce(pg_catalog.json_agg(r::pg_catalog.text), '[]')::text from ({}\n) r"
        return [str(row) for row in self._run(alone.format(form.text), tables)]

    def _run(self, text: str, tables: Tables) -> Any:
        made = definitions(self._shapes, tables, self._names)
        zone = f"set local timezone = {literal(tables.zone)}"
        if not self._made:
            whole = f"with {', '.join(made)} {text}"
            return json.loads(self._execution.read(whole, SECONDS_PER_SET, setup=zone) or "null")
        writes = [zone]
        for definition, shape in zip(made, parents_first(self._shapes)):
            name = self._names[shape.place]
            body = definition.removeprefix(f"{name} as materialized ")
            writes.append(f"create temporary table {name} as {body}")
            if shape.primary_key:
                key = ", ".join(column.quoted for column in shape.columns if column.name in shape.primary_key)
                writes.append(f"alter table {name} add primary key ({key})")
        return json.loads(self._execution.read_written(writes, text, SECONDS_PER_SET) or "null")


def _start(node: exp.Expr) -> int:
    return int((node.args["db"] if isinstance(node, exp.Column) else node.this).meta["start"])


def _renamed(text: str, catalog: Catalog, names: Mapping[Place, str]) -> str:
    """The text reading the generated tables, under the names its columns are qualified with, which lose their schema."""
    tree = parsed(text)
    assert tree is not None
    schemas = [column for column in tree.find_all(exp.Column) if column.args.get("db")]
    for node in sorted((*table_nodes(tree), *schemas), key=lambda node: -_start(node)):
        if not isinstance(node, exp.Table):
            text = text[: _start(node)] + text[int(node.args["table"].meta["start"]) :]
            continue
        relation = catalog.relation(named(node))
        if relation is None or relation.place not in names:
            continue
        schema = node.args.get("db")
        start = int((schema or node.this).meta["start"])
        end = int(node.this.meta["end"]) + 1
        alias = "" if node.args.get("alias") else f" as {node.this.sql(dialect='postgres')}"
        text = f"{text[:start]}{names[relation.place]}{alias}{text[end:]}"
    return text
