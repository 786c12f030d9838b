"""What the planner will say of an index on an expression once the index is there and analysed, told beforehand.

Of an expression no statistics exist, so he takes an equality with it to keep one row in 200, both ends of a range as much, one
end alone a third. With that he would read the orders of one year, two fifths of a table, by an index, until the index is
there and he knows better. A sample of the table tells what is kept. The scans of his plan are priced with as many rows, by his
own rules, so that what is promised is what comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..catalog import Relation
from ..plan import Node, Plan
from .definition import IndexDef
from .statistics import row_count
from .terms import Term

if TYPE_CHECKING:
    from .conditions import Condition
    from .predicates import TableUse

_VALUES = 200.0
_BOTH_ENDS = 0.005
_ONE_END = 1 / 3
# What a row costs that is fetched and tested, and what a page costs that is read in order.
_ROW_COST = 0.0125
_PAGE_COST = 1.0
_LEAST_SHOWN = 0.0001


@dataclass(frozen=True)
class Asked:
    """What a statement asks of an expression: `condition` is the text, None where the values are not in it.

    `values` counts those that it is compared with, 0 for a range; `expected` is the share that the planner takes a range to keep.
    """

    term: Term
    condition: str | None
    values: int
    expected: float


@dataclass(frozen=True)
class Kept:
    """The share of the rows that a condition on an expression keeps, and the share that the planner expects of it."""

    share: float
    expected: float


#: What a sample says; None where it says nothing.
KeptOf = Callable[[Relation, Asked], "Kept | None"]


def asked_of(groups: Iterable[Sequence[Condition]]) -> tuple[Asked, ...]:
    """What conditions that hold together ask of each expression; a value goes before a range."""
    found: dict[Asked, None] = {}
    for group in groups:
        of_term: dict[Term, list[Condition]] = {}
        for item in group:
            if item.term.column is None and item.kind in ("equal", "joined", "ranged"):
                of_term.setdefault(item.term, []).append(item)
        for term, items in of_term.items():
            values = [item for item in items if item.kind != "ranged"]
            said = [item.said for item in values or items]
            text = None if None in said else " AND ".join(f"({one})" for one in sorted(map(str, set(said))))
            ends = sum(item.parts for item in items)
            least = min((item.parts for item in values), default=0)
            found[Asked(term, text, least, _BOTH_ENDS if ends > 1 else _ONE_END)] = None
    return tuple(found)


def expected_share(relation: Relation, asked: Asked, boolean: bool) -> float:
    """The share of the rows that the planner takes a condition to keep without statistics."""
    different = 2.0 if boolean else min(_VALUES, row_count(relation))
    return min(asked.values / different, 1.0) if asked.values else asked.expected


@dataclass(frozen=True)
class Found:
    """How many times as many rows as the planner expects a scan finds, in a table of so many pages and rows."""

    times: float
    pages: float
    rows: float


#: What a scan by an index on an expression finds; None for other nodes.
FoundOf = Callable[[Node], "Found | None"]


def found_by(node: Node, index: IndexDef, uses: Iterable[TableUse], kept_of: KeptOf) -> Found | None:
    """What a scan of a hypothetical index finds by its expressions."""
    times, most, table = 1.0, 1.0, None
    for use in uses:
        held = [_kept(node, key.term, use, kept_of) for key in index.columns if key.expression is not None]
        for kept in (item for item in held if item is not None):
            times *= kept.share / kept.expected
            most, table = min(most, kept.share), use.relation
    if table is None:
        return None
    parts, rows = len(table.holders), row_count(table)
    # He may know better than assumed, by an index that is there.
    times = min(times, max(most * rows / parts / max(node.rows, 1.0), 1.0))
    return Found(times, table.pages / parts, rows / parts)


def _kept(node: Node, term: Term, use: TableUse, kept_of: KeptOf) -> Kept | None:
    """What the condition of a scan on an expression keeps: of several in the statement the least selective counts."""
    named = node.index_cond is not None and all(column in node.index_cond for column in term.columns)
    asked = [item for item in use.expressions if item.term == term] if named else []
    found = [kept for kept in (kept_of(use.relation, item) for item in asked) if kept is not None]
    return max(found, key=lambda kept: kept.share, default=None)


def more_rows(plan: Plan, found_of: FoundOf) -> float:
    """What a plan costs more than the planner says for the rows that its scans find beyond those expected."""
    total = 0.0
    for visit in plan.visits():
        node = visit.node
        if node.type == "Bitmap Heap Scan":
            bitmap = node.children[0]
            table = next((found for below in bitmap.walk() if (found := found_of(below)) is not None), None)
            rows, cost = _in_bitmap(bitmap, found_of), node.total_cost - bitmap.total_cost
            more = _fetched(bitmap.rows, rows, cost, table, bitmap=True) if table is not None else 0.0
        elif (table := found_of(node)) is None:
            continue
        elif node.type == "Index Scan":
            more = _fetched(node.rows, node.rows * table.times, node.total_cost, table, bitmap=False)
        else:
            more = node.total_cost * (table.times - 1.0)
        total += more * visit.executions * visit.share
    return total


def _in_bitmap(node: Node, found_of: FoundOf) -> float:
    """The rows that a bitmap has."""
    if node.type == "BitmapOr":
        return node.rows + sum(_in_bitmap(child, found_of) - child.rows for child in node.children)
    if node.type == "BitmapAnd":
        shares = (_in_bitmap(child, found_of) / max(child.rows, 1.0) for child in node.children)
        return node.rows * math.prod(shares)
    found = found_of(node)
    return node.rows * (1.0 if found is None else found.times)


def _fetched(expected: float, rows: float, cost: float, table: Found, *, bitmap: bool) -> float:
    """What it costs more to fetch other rows than expected from a table, its pages counted and priced as the planner does."""
    before, after = _pages(table.pages, expected), _pages(table.pages, min(rows, table.rows))
    price = later = max(cost - expected * _ROW_COST, before * _PAGE_COST) / before
    if bitmap and before < table.pages:
        # One page has the price of a random one, all of them that of the next one.
        part = math.sqrt(before / table.pages)
        random = max((price - part * _PAGE_COST) / (1.0 - part), _PAGE_COST)
        later = random - (random - _PAGE_COST) * math.sqrt(after / table.pages)
    return after * later - before * price + (rows - expected) * _ROW_COST


def _pages(pages: float, rows: float) -> float:
    """How many of a table's pages hold some of its rows, all in memory (L. Mackert, G. Lohman 1989)."""
    return max(min(2.0 * pages * rows / max(2.0 * pages + rows, 1.0), pages), 1.0)


def notes(index: IndexDef, uses: Iterable[TableUse], kept_of: KeptOf) -> tuple[list[str], bool]:
    """What is known of the expressions of a chosen index, for people, and whether something of them is only guessed."""
    said: dict[str, None] = {}
    guessed = False
    terms = {key.term for key in index.columns if key.expression is not None}
    for use in uses if terms else ():
        for item in use.expressions if use.relation.place == index.place else ():
            if item.term not in terms:
                continue
            kept = kept_of(use.relation, item)
            guessed |= kept is None
            said[_said(item, kept)] = None
    return list(said), guessed


def _said(asked: Asked, kept: Kept | None) -> str:
    if kept is None:
        return f"How many rows a value of {asked.term.sql} has is the planner's guess: no sample of the table tells it."
    share = f"{kept.share:.2%}" if kept.share >= _LEAST_SHOWN else f"less than {_LEAST_SHOWN:.2%}"
    what = f"a value of {asked.term.sql} has" if asked.condition is None else f"{asked.condition} holds for"
    return f"By a sample of the table {what} {share} of the rows."
