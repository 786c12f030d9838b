"""Constants that pg_stat_statements took out of a statement and an index expression cannot do without.

`to_tsvector('english', name || ' ' || description)` comes back as `to_tsvector($1, name || $2 || description)`, and no
index can be made of that. A session that runs the statement shows its full text in pg_stat_activity for a moment. From
that text the constants inside `to_tsvector(...)` are taken and nothing else: what people search for stays a parameter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wedding_dbopt.query import Token, tokens

INDEXED = "to_tsvector"
_CONFIGURATION = re.compile(
    "'(arabic|armenian|basque|catalan|danish|dutch|english|finnish|french|german|greek|hindi|hungarian|indonesian|irish"
    "|italian|lithuanian|nepali|norwegian|portuguese|romanian|russian|serbian|simple|spanish|swedish|tamil|turkish"
    "|yiddish)'"
)


def needs_constants(text: str) -> bool:
    """Whether a normalised text has a parameter inside a call of to_tsvector."""
    found = list(tokens(text))
    return any(inside and token.kind == "parameter" for token, inside in zip(found, _inside(text, found)))


def with_constants(normalised: str, full: str) -> str | None:
    """The normalised text with the constants of its to_tsvector calls, the other parameters numbered anew.

    None when `full` is not the same statement, token by token, or when such a call has a parameter of its own or a
    constant other than a built-in configuration's name, punctuation and space.
    """
    ours, theirs = list(tokens(normalised)), list(tokens(full.rstrip().rstrip(";")))
    if len(ours) != len(theirs):
        return None
    numbers: dict[str, int] = {}
    pieces: list[str] = []
    end = 0
    for our, their, inside in zip(ours, theirs, _inside(normalised, ours)):
        word, other = normalised[our.start : our.end], full[their.start : their.end]
        if our.kind != "parameter":
            if word.lower() != other.lower():
                return None
            continue
        if inside and not _tells_nothing(other, their.kind):
            return None
        replacement = other if inside else f"${numbers.setdefault(word, len(numbers) + 1)}"
        pieces += [normalised[end : our.start], replacement]
        end = our.end
    return "".join([*pieces, normalised[end:]])


def _tells_nothing(constant: str, kind: str) -> bool:
    """Whether a constant is the name of a configuration, or holds neither letters nor digits: nobody's data."""
    if kind != "string":
        return False
    return bool(_CONFIGURATION.fullmatch(constant)) or not any(character.isalnum() for character in constant)


def _inside(text: str, found: Sequence[Token]) -> list[bool]:
    """For each token whether it stands between the brackets of a to_tsvector call."""
    inside: list[bool] = []
    depth = 0
    previous = ""
    for token in found:
        word = text[token.start : token.end].lower()
        if depth:
            depth += (word == "(") - (word == ")")
        elif word == "(" and previous == INDEXED:
            depth = 1
        inside.append(depth > 0)
        previous = word
    return inside
