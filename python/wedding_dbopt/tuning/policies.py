"""Calls in a row-level policy that no row has a part in: found in the condition as the server writes it."""

from __future__ import annotations

from collections.abc import Sequence

from wedding_dbopt.database import Database
from wedding_dbopt.query import Token, tokens, unquoted
from wedding_dbopt.rewrite.splice import Span

_STABLE = """
select count(*) > 0 and bool_and(p.provolatile = 's' and not p.proretset) as stable
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.proname = $2 and n.nspname = coalesce($1, 'pg_catalog')
"""
_HARMLESS = frozenset(("true", "false", "null", "text", "character", "varying", "name", "integer", "boolean"))


def per_row_calls(database: Database, condition: str) -> list[Span]:
    """Where calls of stable functions on constants stand outside a subquery of their own."""
    found = list(tokens(condition))
    words = [condition[token.start : token.end] for token in found]
    calls = []
    place = 0
    while place < len(found):
        end = _call(found, words, place)
        if (
            end is None
            or (place >= 1 and words[place - 1].lower() == "select")
            or (place >= 1 and words[place - 1] == ".")
        ):
            place += 1
            continue
        opening = words.index("(", place)
        name = [unquoted(word) for word in words[place:opening] if word != "."]
        schema = name[0] if len(name) > 1 else None
        if database.query(_STABLE, ["name", "name"], [schema, name[-1]])[0]["stable"]:
            calls.append(Span(found[place].start, found[end].end))
        place = end + 1
    return calls


def wrapped(condition: str, calls: Sequence[Span]) -> str:
    """The condition with each of the calls in a subquery; the same words in a literal or in a name stay as they are."""
    for call in sorted(calls, reverse=True):
        inside = condition[call.start : call.end]
        condition = f"{condition[: call.start]}(SELECT {inside}){condition[call.end :]}"
    return condition


def _call(found: list[Token], words: list[str], place: int) -> int | None:
    """The last token of a call that begins here and has only constants for arguments."""
    if found[place].kind not in ("word", "quoted"):
        return None
    at = place + 1
    while at + 1 < len(words) and words[at] == "." and found[at + 1].kind in ("word", "quoted"):
        at += 2
    if at >= len(words) or words[at] != "(":
        return None
    for end in range(at + 1, len(words)):
        if words[end] == ")":
            return end
        constant = found[end].kind in ("string", "number") or words[end] in (",", ":")
        if not constant and words[end].lower() not in _HARMLESS:
            return None
    return None
