"""Apply the rules to a statement, one place at a time, and keep every other character of its text."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from wedding_dbopt.query import Query, Token, tokens
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.offers import Option, semantic_options
from wedding_dbopt.rewrite.rules import RULES, Rule
from wedding_dbopt.rewrite.splice import Span, parsed, span_of

__all__ = ["LEVELS", "Option", "Rewriting", "Step", "catalogue", "rewrite", "semantic_options"]

LEVELS = ("conservative", "moderate", "aggressive")
MOST_STEPS = 50
LONGEST_TEXT = 100_000  # characters; every step reads the whole text again


def _words(text: str) -> frozenset[str]:
    """Return the unquoted words of a text, in lower case."""
    found = (text[token.start : token.end].lower() for token in tokens(text) if token.kind == "word")
    return frozenset(found)


# Words that a replacement may bring in although the statement does not have them.
_OWN_WORDS = _words("and or not in exists select where")
# Optional words and spellings of types: a subquery that differs in them reads the same.
_SPELLINGS = _words(
    """as asc inner outer all cast int integer int4 int8 bigint int2 smallint bool boolean text varchar char
    character varying bpchar decimal numeric double precision real float float4 float8 timestamp timestamptz
    time timetz with without zone date"""
)
# Words before "(" that PostgreSQL reads as sqlglot does: its syntax, and functions of its own.
_CALLS = _words(
    """abs all and any array as avg between by case cast char coalesce concat count date date_part date_trunc
    decimal distinct else exists extract from greatest in least length lower max min not now nullif numeric on
    or round select sum then timestamp trim upper using values varchar when where"""
)


@dataclass(frozen=True)
class Step:
    """One use of a rule: the text before and after, and the constraints that its proof rests on."""

    rule: str
    before: str
    after: str
    proof: str
    constraints: tuple[str, ...]


@dataclass(frozen=True)
class Rewriting:
    """The rewritten text, equal in its rows to the statement, and the steps that led to it."""

    text: str
    steps: tuple[Step, ...]


def rewrite(query: Query, facts: Facts, level: str) -> Rewriting:
    """Apply the rules of `level` and of the levels below it (LEVELS) until none applies.

    The text is that of `query` where no rule applies, or where it is longer than LONGEST_TEXT. Each step
    replaces one part; the rest stays as it is, and the result is parsed again to make sure that it means the
    tree it should.
    """
    allowed = LEVELS[: LEVELS.index(level) + 1]
    rules = [rule for rule in RULES if rule.LEVEL in allowed]
    text = query.plannable
    steps: list[Step] = []
    while len(steps) < MOST_STEPS and len(text) <= LONGEST_TEXT:
        tree = parsed(text)
        found = None if tree is None else _first_step(text, tree, rules, facts)
        if found is None:
            break
        text, step = found
        steps.append(step)
    return Rewriting(text if steps else query.text, tuple(steps))


def catalogue() -> list[dict[str, Any]]:
    """Return the rules in their order: name, level, proof, why, sound_when."""
    return [
        {
            "name": name_of(rule),
            "level": rule.LEVEL,
            "proof": rule.PROOF,
            "why": _paragraph(rule, "Why"),
            "sound_when": _paragraph(rule, "Sound when"),
        }
        for rule in RULES
    ]


def name_of(rule: Rule) -> str:
    """Return the name of a rule: its module's."""
    return rule.__name__.rpartition(".")[2]


def _paragraph(rule: Rule, title: str) -> str:
    document = inspect.cleandoc(rule.__doc__ or "")
    found = re.search(rf"^{title}: (.*?)(?=\n[A-Z][a-z ]+: |\Z)", document, re.MULTILINE | re.DOTALL)
    return " ".join(found.group(1).split()) if found else ""


def _first_step(text: str, tree: exp.Expr, rules: list[Rule], facts: Facts) -> tuple[str, Step] | None:
    for rule in rules:
        for node in tree.find_all(*rule.NODE):
            constraints = rule.precondition(node, facts)
            placed = None if constraints is None else _placed(text, tree, node, rule.transform(node))
            if placed is not None and constraints is not None:
                whole, before, after = placed
                return whole, Step(name_of(rule), before, after, rule.PROOF, constraints)
    return None


def _placed(text: str, tree: exp.Expr, node: exp.Expr, new: exp.Expr | None) -> tuple[str, str, str] | None:
    """Return the text with `new` in the place of `node`, the old part and the new one."""
    if new is None:
        return _without(text, tree, node)
    span = span_of(text, node)
    if isinstance(new, exp.Paren) and isinstance(node.parent, (exp.Where, exp.Paren)):
        new = new.this
    after = _written(new)
    if span is None or not _is_faithful(text, span, node, after):
        return None
    again = parsed(after, condition=True)
    if again is None or again != new:
        return None
    whole = text[: span.start] + after + text[span.end :]
    node.replace(again)
    is_meant = parsed(whole) == tree
    again.replace(node)
    return (whole, text[span.start : span.end], after) if is_meant else None


def _without(text: str, tree: exp.Expr, node: exp.Expr) -> tuple[str, str, str] | None:
    """Drop the keyword that made `node`."""
    parent, key = node.parent, node.arg_key
    assert parent is not None and key is not None
    span = span_of(text, parent)
    if span is None or not _called(text, span) <= _CALLS:
        return None
    parent.set(key, None)
    found = None
    for token in tokens(text):
        if token.kind == "word" and text[token.start : token.end].lower() == node.key:
            whole = text[: token.start] + text[token.end :].lstrip()
            if parsed(whole) == tree:
                found = whole, text[token.start : token.end], ""
                break
    parent.set(key, node)
    return found


def _is_faithful(text: str, span: Span, node: exp.Expr, after: str) -> bool:
    """Tell whether sqlglot read the part as PostgreSQL does, and writes what it keeps of it unchanged.

    sqlglot renames some calls (`now()` to CURRENT_TIMESTAMP) and reads names of other systems' functions.
    """
    part = text[span.start : span.end]
    if not _called(text, span) <= _CALLS or not _words(after) - _words(text) <= _OWN_WORDS | _SPELLINGS:
        return False
    if any(
        token.kind in ("escaped", "dollar") or part[token.start] in "uUbBxXnN" for token in _strings(part)
    ):
        return False
    if node.find(exp.Query) is None:
        return True
    return (_words(part) ^ _words(_written(node))) <= _SPELLINGS


def _written(node: exp.Expr) -> str:
    return node.sql(dialect="postgres", comments=False)


def _strings(text: str) -> list[Token]:
    return [token for token in tokens(text) if token.kind in ("string", "escaped", "dollar", "quoted")]


def _called(text: str, span: Span) -> set[str]:
    """Return the words before an opening parenthesis."""
    part = text[span.start : span.end]
    found = list(tokens(part))
    return {
        part[token.start : token.end].lower()
        for token, following in zip(found, found[1:])
        if token.kind in ("word", "quoted") and part[following.start] == "("
    }
