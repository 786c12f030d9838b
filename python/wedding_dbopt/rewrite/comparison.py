"""Whether two forms of a statement return the same: column names, types, rows as a multiset, and their order.

Both forms are put into one statement, so they see one snapshot. A row is compared by its text, so a NULL is not an
empty string, and 1.0 is not 1.00. Where ORDER BY leaves ties, the server may return them in any order; so rows in
another order, or another choice of tied rows under a LIMIT, are equal if the sort keys have the same sequence and the
rows without the LIMIT are the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.splice import parsed

ROWS = "wedding_dbopt_rows"
KEY = "wedding_dbopt_key"
#: Of generated tables, which are small; a product of many of them is not.
GENERATED_ROWS = 20_000
#: Runs an SQL text that gives one JSON value.
Run = Callable[[str], Any]


@dataclass(frozen=True)
class Form:
    """One form of a statement: its text, and what is needed to judge its order.

    `keyed` gives the sort keys as its first `keys` columns; `unlimited` is the text without LIMIT and OFFSET. None
    where the parser cannot tell.
    """

    text: str
    ordered: bool
    limited: bool
    keyed: str | None
    keys: int
    unlimited: str | None

    @classmethod
    def of(cls, text: str) -> Form:
        tree = parsed(text)
        if not isinstance(tree, exp.Query):
            return cls(text, False, False, None, 0, None)
        order = tree.args.get("order")
        limited = any(tree.args.get(clause) for clause in ("limit", "offset", "fetch"))
        keyed = _keyed(tree, text) if order else None
        return cls(
            text,
            order is not None,
            limited,
            keyed,
            len(order.expressions) if order else 0,
            _unlimited(tree) if limited else text,
        )


@dataclass(frozen=True)
class Outcome:
    """`equal` is None where nothing can be said; `rows` is the number that was compared; `why` tells of a difference."""

    equal: bool | None
    rows: int = 0
    why: str = ""


def compare_columns(run: Run, before: str, after: str) -> Outcome:
    """Compare names and types without running either form."""
    names = [run(_names(text)) or [] for text in (before, after)]
    if names[0] != names[1]:
        return Outcome(False, 0, f"the columns are named {', '.join(names[1])} and not {', '.join(names[0])}")
    types = [run(_types(text, len(names[0]))) if names[0] else [] for text in (before, after)]
    for name, first, second in zip(names[0], *types):
        if first != second:
            return Outcome(False, 0, f"column {name} is of type {second} and not {first}")
    return Outcome(True)


def compare_digests(run: Run, before: Form, after: Form, limit: int) -> Outcome:
    """Compare the rows that both forms return now, by digests: no row leaves the server, no more than `limit` are read."""
    first, second = _both(run, before.text, after.text, _digest, limit)
    rows = min(int(first[0]), limit)
    if first[0] > limit and second[0] > limit:
        return _too_many(limit)
    if first == second or (first[:3] == second[:3] and not before.ordered):
        return Outcome(True, rows)
    if first[:3] != second[:3] and not before.limited:
        return Outcome(
            False,
            rows,
            f"{_counted(first[0], limit)} rows became {_counted(second[0], limit)}"
            if first[0] != second[0]
            else "rows differ",
        )
    return _compare_ties(run, before, after, rows, _digest, limit)


def returns_the_same(run: Run, run_otherwise: Run, form: Form, limit: int) -> bool:
    """Tell whether two ways to run one form give the same rows, as far as these are within the limit."""
    text = f"select {_digest(form.text, 0, limit)}::text"
    first, second = run(text), run_otherwise(text)
    return bool(first[0] <= limit and first[:3] == second[:3])


def _counted(rows: int, limit: int) -> str:
    return f"{rows:,}" if rows <= limit else f"more than {limit:,}"


def _too_many(limit: int) -> Outcome:
    more = f"more than {limit:,}"
    return Outcome(None, 0, f"too many rows to compare: the original returns {more}, its other form too")


def compare_rows(run: Run, before: Form, after: Form) -> Outcome:
    """Compare the few rows of generated tables; `why` shows the rows that differ."""
    first, second = _both(run, before.text, after.text, _listed, GENERATED_ROWS)
    if len(first) > GENERATED_ROWS and len(second) > GENERATED_ROWS:
        return _too_many(GENERATED_ROWS)
    if first == second or (Counter(first) == Counter(second) and not before.ordered):
        return Outcome(True, len(first))
    if Counter(first) != Counter(second) and not before.limited:
        return Outcome(False, len(first), _difference(first, second))
    outcome = _compare_ties(run, before, after, len(first), _listed, GENERATED_ROWS)
    return outcome if outcome.equal is not False else Outcome(False, len(first), _difference(first, second))


Reader = Callable[[str, int, int], str]


def _compare_ties(run: Run, before: Form, after: Form, rows: int, read: Reader, limit: int) -> Outcome:
    if before.limited:
        if before.unlimited is None or after.unlimited is None:
            return Outcome(None, rows, "what the LIMIT leaves out cannot be compared")
        first, second = _both(run, before.unlimited, after.unlimited, read, limit)
        if all((form[0] if read is _digest else len(form)) > limit for form in (first, second)):
            return _too_many(limit)
        if (first[:3] != second[:3]) if read is _digest else Counter(first) != Counter(second):
            return Outcome(False, rows, "the rows without the LIMIT differ")
    if not before.ordered:
        first, second = _both(run, before.text, after.text, read, limit)
        same = first[0] == second[0] if read is _digest else len(first) == len(second)
        return Outcome(same, rows, "" if same else "the number of rows differs")
    if before.keyed is None or after.keyed is None or before.keys > after.keys:
        return Outcome(None, rows, "its rows come in another order, and the sort keys cannot be compared")
    first, second = _both(run, before.keyed, after.keyed, read, limit, before.keys)
    return Outcome(first == second, rows, "" if first == second else "the order of the rows differs")


def _both(run: Run, before: str, after: str, read: Reader, limit: int, keys: int = 0) -> tuple[Any, Any]:
    first, second = run(
        f"select pg_catalog.json_build_array({read(before, keys, limit)}, {read(after, keys, limit)})::text"
    )
    return first, second


def _rows(text: str, keys: int, limit: int) -> str:
    """The rows of a text in their order, as text; of the first `keys` columns only if there are any.

    One more than `limit` at most: that there are more is then known, and no more are read.
    """
    names = ", ".join(f"{KEY}{number + 1}" for number in range(keys))
    columns = f" ({names})" if keys else ""
    value = f"row({names})" if keys else ROWS
    return f"select ({value})::pg_catalog.text as t from ({text}\n) {ROWS}{columns} limit {limit + 1}"


def _digest(text: str, keys: int, limit: int) -> str:
    hashes = ", ".join(
        f"pg_catalog.sum(pg_catalog.hashtextextended(t, {seed}))::pg_catalog.text" for seed in ("1", "2", "n")
    )
    return (
        f"(select pg_catalog.json_build_array(pg_catalog.count(*), {hashes}) from "
        f"(select t, pg_catalog.row_number() over () as n from ({_rows(text, keys, limit)}) listed) numbered)"
    )


def _listed(text: str, keys: int, limit: int) -> str:
    return f"(select coalesce(pg_catalog.json_agg(t), '[]') from ({_rows(text, keys, limit)}) listed)"


def _names(text: str) -> str:
    """The names of a text's columns, in order, with duplicates; its rows are not asked for."""
    return (
        "select pg_catalog.json_agg(k) from (select pg_catalog.json_object_keys(pg_catalog.row_to_json(r)) as k from "
        f"(select {ROWS}.* from (values (1)) one left join ({text}\n) {ROWS} on false) r) named"
    )


def _types(text: str, columns: int) -> str:
    names = [f"c{number}" for number in range(columns)]
    types = ", ".join(f"pg_catalog.pg_typeof({name})::pg_catalog.text" for name in names)
    return (
        f"select pg_catalog.json_build_array({types})::text "
        f"from (values (1)) one left join ({text}\n) {ROWS} ({', '.join(names)}) on false"
    )


def _difference(first: Sequence[str], second: Sequence[str]) -> str:
    lost, added = Counter(first) - Counter(second), Counter(second) - Counter(first)
    parts = [
        f"{what} {', '.join(shown)}"
        for what, rows in (("it loses", lost), ("it adds", added))
        if (
            shown := [f"{row} ({count} times)" if count > 1 else row for row, count in list(rows.items())[:3]]
        )
    ]
    return "; ".join(parts) or f"the order is {json.dumps(second[:5])} and not {json.dumps(first[:5])}"


def _unlimited(tree: exp.Expr) -> str | None:
    copy = tree.copy()
    for clause in ("limit", "offset", "fetch"):
        copy.set(clause, None)
    return copy.sql(dialect="postgres")


def _keyed(tree: exp.Query, text: str) -> str | None:
    """The text with its sort keys as its first columns."""
    ordered = [
        item.this if isinstance(item, exp.Ordered) else item for item in tree.args["order"].expressions
    ]
    if not isinstance(tree, exp.Select):
        return _keyed_by_name(ordered, text)
    keys = [_selected(key, tree.expressions) for key in ordered]
    if any(key is None for key in keys):
        return None
    found = [key for key in keys if key is not None]
    items = [item.unalias() for item in tree.expressions]
    distinct = tree.args.get("distinct")
    if distinct is not None and not distinct.args.get("on") and not all(key in items for key in found):
        return None
    copy = tree.copy()
    added = [exp.alias_(exp.Paren(this=key.copy()), f"{KEY}{number + 1}") for number, key in enumerate(found)]
    copy.set("expressions", [*added, *copy.expressions])
    group = copy.args.get("group")
    places = [item.this if isinstance(item, exp.Ordered) else item for item in copy.args["order"].expressions]
    places += group.expressions if group is not None else []
    for place in places:
        if (number := _ordinal(place)) is not None:
            place.replace(exp.Literal.number(number + len(found)))
    return copy.sql(dialect="postgres")


def _keyed_by_name(ordered: Sequence[exp.Expr], text: str) -> str | None:
    if not all(isinstance(key, exp.Column) and not key.args.get("table") for key in ordered):
        return None
    keys = [
        f"{ROWS}.{key.this.sql(dialect='postgres')} as {KEY}{number + 1}"
        for number, key in enumerate(ordered)
    ]
    return f"select {', '.join(keys)} from ({text}\n) {ROWS}"


def _ordinal(node: exp.Expr) -> int | None:
    return (
        int(node.this)
        if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit()
        else None
    )


def _selected(key: exp.Expr, items: Sequence[exp.Expr]) -> exp.Expr | None:
    """The expression that a key of ORDER BY means: an output column by number or name, or itself."""
    number = _ordinal(key)
    if number is not None:
        if number > len(items) or any(isinstance(item, exp.Star) or item.is_star for item in items[:number]):
            return None
        return items[number - 1].unalias()
    if isinstance(key, exp.Column) and not key.args.get("table"):
        named = [
            item
            for item in items
            if isinstance(item, exp.Alias) and folded(item.args["alias"]) == folded(key.this)
        ]
        if len(named) == 1:
            inner: exp.Expr = named[0].this
            return inner
    return key
