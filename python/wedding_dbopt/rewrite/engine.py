"""Apply the rules to a statement, one place at a time, and keep every other character of its text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from wedding_dbopt.query import Query, tokens
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import new_tree
from wedding_dbopt.rewrite.reading import (
    CALLS,
    brings_known_words,
    called,
    has_plain_strings,
    reads_whole,
)
from wedding_dbopt.rewrite.rules import RULES, Rule
from wedding_dbopt.rewrite.splice import Span, parsed, span_of
from wedding_dbopt.rewrite.writing import Writer, numbered, widened_to_statement

LEVELS = ("conservative", "moderate", "aggressive")
MOST_STEPS = 50
LONGEST_TEXT = 100_000  # characters; every step reads the whole text again

#: Asked before a step is taken: the rule, the text before it and the text behind it.
Accept = Callable[[Rule, str, str], bool]


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
    """The rewritten text, equal in its rows to the statement, and the steps that led to it.

    `unwritten` are rules that hold at a place whose text sqlglot does not read or write exactly, or that would take
    the statement's only mention of a parameter away.
    """

    text: str
    steps: tuple[Step, ...]
    unwritten: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Placed:
    """A text with a replacement in it, the replaced part and the new one."""

    whole: str
    before: str
    after: str


def rules_of(level: str, version: int) -> list[Rule]:
    """Return the rules of `level` and of the levels below it that a server of `version` needs."""
    allowed = LEVELS[: LEVELS.index(level) + 1]
    return [
        rule
        for rule in RULES
        if rule.LEVEL in allowed and version < int(getattr(rule, "PLANNER_DOES_IT_SINCE", version + 1))
    ]


def untouchable(query: Query, facts: Facts) -> str | None:
    """Return why no rule may touch a statement, None where rules may."""
    if facts.operators_shadowed:
        return "Other operators hide those of pg_catalog on the search path, so the text stays as it is."
    for caller, text in (("It", query.plannable), ("A view that it reads", facts.views_of(query))):
        volatile = facts.volatile & {name.strip('"') for name in called(text, Span(0, len(text)))}
        if volatile:
            names = ", ".join(f"{name}()" for name in sorted(volatile))
            return f"{caller} calls {names}, and every call of a volatile function counts, so the text stays as it is."
    return None


def rewrite(
    query: Query,
    facts: Facts,
    level: str,
    rules: Sequence[Rule] | None = None,
    accept: Accept | None = None,
) -> Rewriting:
    """Apply the rules of `level` and of the levels below it (LEVELS), or those given, until none applies.

    The text is that of `query` where no rule applies, where it is untouchable(), or where it is longer than
    LONGEST_TEXT. Each step replaces one part; the rest stays as it is, and the result is parsed again to make
    sure that it means the tree it should. A step that `accept` refuses is not taken.
    """
    chosen = rules_of(level, facts.version) if rules is None else rules
    text = query.plannable
    if untouchable(query, facts) is not None:
        return Rewriting(query.text, ())
    steps: list[Step] = []
    refused: set[tuple[str, str]] = set()
    unwritten: dict[str, None] = {}
    try:
        while len(steps) < MOST_STEPS and len(text) <= LONGEST_TEXT:
            tree = parsed(text)
            found = (
                None if tree is None else _first_step(text, tree, chosen, facts, accept, refused, unwritten)
            )
            if found is None:
                break
            text, step = found
            steps.append(step)
    finally:
        new_tree()
    return Rewriting(text if steps else query.text, tuple(steps), tuple(unwritten))


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


def parameters_of(text: str) -> set[str]:
    """Return the parameters of a text. Who runs the statement binds all of them, so none may get lost."""
    if "$" not in text:
        return set()
    return {text[token.start : token.end] for token in tokens(text) if token.kind == "parameter"}


def _paragraph(rule: Rule, title: str) -> str:
    document = inspect.cleandoc(rule.__doc__ or "")
    found = re.search(rf"^{title}: (.*?)(?=\n[A-Z][a-z ]+: |\Z)", document, re.MULTILINE | re.DOTALL)
    return " ".join(found.group(1).split()) if found else ""


def _first_step(
    text: str,
    tree: exp.Expr,
    rules: Sequence[Rule],
    facts: Facts,
    accept: Accept | None,
    refused: set[tuple[str, str]],
    unwritten: dict[str, None],
) -> tuple[str, Step] | None:
    nodes = numbered(tree)
    facts.new_tree()
    new_tree()
    by_type: dict[type[exp.Expr], list[exp.Expr]] = {}
    for node in nodes:
        by_type.setdefault(type(node), []).append(node)
    writer = Writer(text, nodes)
    for rule in rules:
        for kind in [kind for kind in by_type if issubclass(kind, rule.NODE)]:
            for node in by_type[kind]:
                constraints = rule.precondition(node, facts)
                if constraints is None:
                    continue
                new = rule.transform(node, facts)
                placed = (
                    _without(text, tree, node)
                    if new is None
                    else _placed(text, tree, node, new, writer, facts)
                )
                if placed is None or parameters_of(placed.whole) != parameters_of(text):
                    unwritten[name_of(rule)] = None
                    continue
                if (name_of(rule), placed.whole) in refused:
                    continue
                if accept is not None and not accept(rule, text, placed.whole):
                    refused.add((name_of(rule), placed.whole))
                    continue
                return placed.whole, Step(name_of(rule), placed.before, placed.after, rule.PROOF, constraints)
    return None


def _placed(
    text: str, tree: exp.Expr, node: exp.Expr, new: exp.Expr, writer: Writer, facts: Facts
) -> _Placed | None:
    """Put `new` in the place of `node`, if that can be done so that the text means the new tree."""
    if isinstance(new, exp.Paren) and isinstance(node.parent, (exp.Where, exp.Paren)):
        new = new.this
    node, new = widened_to_statement(node, new)
    edits = writer.edits(node, new)
    if not edits:
        return None
    whole, befores, afters, last = "", [], [], 0
    for span, old, part in edits:
        if span.start < last:
            return None
        before, after = text[span.start : span.end], writer.written(part)
        if not _is_faithful(text, span, old, after, facts):
            return None
        whole += text[last : span.start] + after
        last = span.end
        befores.append(before)
        afters.append(after)
    whole += text[last:]
    again = _meant(whole, tree, node, new)
    if again is None or not all(
        facts.finds_table(name) for name in again.find_all(exp.Column) if name.args.get("db")
    ):
        return None  # a table that became a subquery has no schema any more
    return _Placed(whole, " ... ".join(befores), " ... ".join(afters))


def _meant(whole: str, tree: exp.Expr, node: exp.Expr, new: exp.Expr) -> exp.Expr | None:
    """Return the tree of a text, if it is the old tree with `new` in the place of `node`."""
    again = parsed(whole)
    if node is tree:
        return again if again == new else None
    node.replace(new)
    is_meant = again == tree
    new.replace(node)
    return again if is_meant else None


def _without(text: str, tree: exp.Expr, node: exp.Expr) -> _Placed | None:
    """Drop the keyword that made `node`."""
    parent, key = node.parent, node.arg_key
    assert parent is not None and key is not None
    span = span_of(text, parent)
    if span is None or not called(text, span) <= CALLS:
        return None
    parent.set(key, None)
    found = None
    for token in tokens(text):
        if token.kind == "word" and text[token.start : token.end].lower() == node.key:
            whole = text[: token.start] + text[token.end :].lstrip()
            if parsed(whole) == tree:
                found = _Placed(whole, text[token.start : token.end], "")
                break
    parent.set(key, node)
    return found


def _is_faithful(text: str, span: Span, node: exp.Expr, after: str, facts: Facts) -> bool:
    """Tell whether sqlglot read the part as PostgreSQL does, and writes what it keeps of it unchanged."""
    part = text[span.start : span.end]
    calls = called(text, span)
    if not calls <= CALLS or not has_plain_strings(part) or not brings_known_words(text, after, facts.names):
        return False
    if facts.shadowed & (calls | called(after, Span(0, len(after)))):
        return False
    return node.find(exp.Query) is None or reads_whole(part, node)
