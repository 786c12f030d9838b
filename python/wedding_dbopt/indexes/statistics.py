"""Figures about columns from the planner's statistics, with safe answers where there are none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from ..catalog import Relation
from .terms import Term

_UNKNOWN_DISTINCT = 200.0
_NEARLY_ALL = 0.99
_NUMBER = re.compile(r"smallint|integer|bigint|numeric(\(\d+(,-?\d+)?\))?")
_UNKNOWN_WIDTH = 16.0
_FIXED_WIDTHS = {"boolean": 1, "smallint": 2, "integer": 4, "date": 4, "real": 4, "uuid": 16}
_BOOLEANS = {"t": "true", "f": "false"}


def row_count(relation: Relation) -> float:
    """The table's rows, at least 1 (a table never analysed counts as 10 rows a page)."""
    rows = float(relation.rows)
    return max(rows if rows >= 0 else relation.pages * 10.0, 1.0)


def distinct_values(relation: Relation, column: str) -> float:
    """The number of different values of a column, at least 1 (when unknown 200, as the planner)."""
    rows = row_count(relation)
    known = relation.columns[column].n_distinct if column in relation.columns else None
    if known is None or known == 0:
        return min(_UNKNOWN_DISTINCT, rows)
    return max(1.0, min(-known * rows if known < 0 else known, rows))


def distinct_keys(relation: Relation, columns: Iterable[str]) -> float:
    """Different combinations of columns: the product of their numbers, at most one per row."""
    product = 1.0
    for column in columns:
        product *= distinct_values(relation, column)
    return min(product, row_count(relation))


def equal_fraction(relation: Relation, term: Term) -> float:
    """The share of rows an equality with one value keeps on average (0..1)."""
    filled = 1.0
    if term.column is not None and term.column in relation.columns:
        filled -= relation.columns[term.column].null_frac or 0.0
    return filled / distinct_keys(relation, term.columns)


def value_fraction(relation: Relation, column: str, value: str | None) -> float | None:
    """The share of rows with one value (None is NULL, an empty text NOT NULL); None when unknown."""
    facts = relation.columns.get(column)
    if facts is None or facts.n_distinct is None:
        return None
    nulls = facts.null_frac or 0.0
    if value is None or value == "":
        return nulls if value is None else 1.0 - nulls
    frequencies = list(facts.most_common_freqs or ())
    padded = facts.type.startswith(("character(", "bpchar"))
    value = value.rstrip(" ") if padded else value
    for common, frequency in zip(facts.most_common_vals or (), frequencies):
        text = str(common).lower() if isinstance(common, bool) else str(common)
        if padded:
            text = text.rstrip(" ")
        if value in (text, _BOOLEANS.get(text)):
            return float(frequency)
    others = max(distinct_values(relation, column) - len(frequencies), 1.0)
    return max(1.0 - nulls - sum(frequencies), 0.0) / others


def known_values(relation: Relation, column: str) -> dict[Decimal, float] | None:
    """The share of rows of each number of a column; None where the most common ones are not nearly all."""
    facts = relation.columns.get(column)
    if facts is None or not _NUMBER.fullmatch(facts.type):
        return None
    shares = [float(share) for share in facts.most_common_freqs or ()]
    if not shares or sum(shares) < _NEARLY_ALL * (1.0 - (facts.null_frac or 0.0)):
        return None
    found = {Decimal(str(value)): share for value, share in zip(facts.most_common_vals, shares)}
    # Python and PostgreSQL order NaN differently.
    return found if all(value.is_finite() for value in found) else None


def average_width(relation: Relation, column: str) -> float:
    """Bytes one value takes on average."""
    facts = relation.columns.get(column)
    if facts is None:
        return _UNKNOWN_WIDTH
    if facts.avg_width:
        return float(facts.avg_width)
    return float(_FIXED_WIDTHS.get(facts.type, _UNKNOWN_WIDTH))
