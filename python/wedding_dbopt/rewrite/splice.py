"""Find the characters of a statement that a node of its tree was made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import sqlglot
from sqlglot import exp

from wedding_dbopt.query import Token, tokens

REACH = 8  # tokens of a node that lie outside the ones whose place sqlglot remembers


class Span(NamedTuple):
    """Offsets in characters."""

    start: int
    end: int


def parsed(text: str, condition: bool = False) -> exp.Expr | None:
    """Return the tree of a statement, or of a condition; None where the text is neither."""
    try:
        tree: exp.Expr | None = (
            sqlglot.parse_one(text, into=exp.Condition, dialect="postgres")
            if condition
            else sqlglot.parse_one(text, dialect="postgres")
        )
    except Exception:  # parts of a statement may be anything; what does not parse is not what is sought
        return None
    return tree


def span_of(text: str, node: exp.Expr) -> Span | None:
    """Return the shortest part of `text` around the node's own words that parses to the node."""
    places = [
        (int(part.meta["start"]), int(part.meta["end"]) + 1) for part in node.walk() if "start" in part.meta
    ]
    if not places:
        return None
    found, starts, ends = _tokens(text)
    first = bisect_right(ends, min(start for start, _ in places))
    last = bisect_left(starts, max(end for _, end in places)) - 1
    is_query = isinstance(node, exp.Query)
    for before, after in sorted(
        ((before, after) for before in range(REACH) for after in range(REACH)), key=sum
    ):
        if before > first or last + after >= len(found):
            continue
        part = found[first - before : last + after + 1]
        span = Span(part[0].start, part[-1].end)
        if text[span.start] == "[":  # sqlglot reads an array without its word, PostgreSQL does not
            continue
        if _is_balanced(text, part) and parsed(text[span.start : span.end], not is_query) == node:
            return span
    return None


@lru_cache(maxsize=16)
def _tokens(text: str) -> tuple[list[Token], list[int], list[int]]:
    """The tokens of a text, and where they start and end."""
    found = list(tokens(text))
    return found, [token.start for token in found], [token.end for token in found]


def _is_balanced(text: str, part: Sequence[Token]) -> bool:
    depth = 0
    for token in part:
        if token.kind == "symbol":
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[token.start], 0)
        if depth < 0:
            return False
    return depth == 0
