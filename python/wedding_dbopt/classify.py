"""The business context of a statement, decided by the tables it touches and never by its text.

A table's name is split into words; rules give words a context, a criticality and a weight. The last word of
a name says what the table is: where its rule has no context (`event_log`, `booking_audit`) it decides alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from wedding_dbopt.query import Query, Table, defining_cte, is_target, named, table_nodes

OTHER = "other"
CRITICALITIES = ("low", "medium", "high", "critical")
DRIVING = 4  # how much more the table that drives a statement weighs than one it joins
UNRULED_CONFIDENCE = 0.5

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]")
_OWN_SCHEMAS = ("wedding_dbopt", "_wedding_dbopt", "information_schema")


@dataclass(frozen=True)
class Classification:
    """What a statement is for.

    `context` is the primary one or "other", `contexts` all that its tables have, the primary first (empty for
    "other"). `confidence` is between 0 and 1: the primary context's share of all scores; 1 for a statement
    without user tables, 0.5 where no rule knows its tables. `tables` are the user tables, as `schema.name`
    where the statement says the schema.
    """

    context: str
    contexts: tuple[str, ...]
    criticality: str
    confidence: float
    tables: tuple[str, ...]


@dataclass(frozen=True)
class _Verdict:
    """What the rules say of one table: context scores, criticality; `ruled` if any rule knows it."""

    scores: Mapping[str, int]
    criticality: str
    ruled: bool


def classify(query: Query, rules: Sequence[Mapping[str, Any]]) -> Classification:
    """Classify a statement by rules with the fields word, context or None, criticality or None, and weight.

    The table that the statement writes decides; else the highest weight does, where the driving table (the
    first of FROM, through subqueries and CTEs) counts DRIVING times. The criticality is the highest of all
    tables: "medium" for a table without a rule, "low" without tables.
    """
    by_word = {_singular(rule["word"].lower()): rule for rule in rules}
    nodes = [node for node in table_nodes(query.tree) if _is_user_table(named(node))]
    tables = tuple(dict.fromkeys(_full_name(named(node)) for node in nodes))
    if not nodes:
        return Classification(OTHER, (), "low", 1.0, ())
    verdicts = [(node, _verdict(named(node).name, by_word)) for node in nodes]
    criticality = max((verdict.criticality for _, verdict in verdicts), key=CRITICALITIES.index)
    written = [verdict for node, verdict in verdicts if is_target(node) and verdict.ruled]
    driving = {id(node) for node in _driving(query.tree, set())}
    scores: dict[str, int] = {}
    for node, verdict in verdicts:
        factor = DRIVING if is_target(node) or id(node) in driving else 1
        for context, weight in verdict.scores.items():
            scores[context] = max(scores.get(context, 0), factor * weight)
    candidates = {context for verdict in written for context in verdict.scores} if written else set(scores)
    ranked = sorted(scores, key=lambda context: (context in candidates, scores[context]), reverse=True)
    if not candidates:
        confidence = 1.0 if written else UNRULED_CONFIDENCE
        return Classification(OTHER, (), criticality, confidence, tables)
    confidence = round(scores[ranked[0]] / sum(scores.values()), 3)
    return Classification(ranked[0], tuple(ranked), criticality, confidence, tables)


def words(name: str) -> list[str]:
    """Split a table's name at underscores, digits and capitals into lower-case singular words."""
    return [_singular(word.lower()) for word in _WORD.findall(name)]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _verdict(name: str, by_word: Mapping[str, Mapping[str, Any]]) -> _Verdict:
    found = [by_word.get(word) for word in words(name)]
    if found and found[-1] is not None and found[-1]["context"] is None:
        found = found[-1:]
    matched = [rule for rule in found if rule is not None]
    scores: dict[str, int] = {}
    for rule in reversed(matched):  # of equal scores the one met first wins: the last word names the thing
        if rule["context"] is not None:
            scores[rule["context"]] = max(scores.get(rule["context"], 0), rule["weight"])
    criticalities = [rule["criticality"] for rule in matched if rule["criticality"] is not None]
    criticality = max(criticalities, key=CRITICALITIES.index) if criticalities else "medium"
    return _Verdict(scores, criticality, bool(matched))


def _driving(node: exp.Expr | None, seen: set[int]) -> list[exp.Table]:
    """Return the table nodes that drive a query: the first source of FROM that leads to a table."""
    if node is None or id(node) in seen:
        return []
    seen.add(id(node))
    if isinstance(node, exp.Table):
        cte = defining_cte(node) if isinstance(node.this, exp.Identifier) else None
        return _driving(cte.this, seen) if cte is not None else [node]
    if isinstance(node, exp.SetOperation):
        return _driving(node.this, seen) + _driving(node.expression, seen)
    if isinstance(node, exp.Subquery):
        return _driving(node.this, seen)
    source = node.args.get("from_")
    sources = [source.this] if source is not None else []
    sources += [join.this for join in node.args.get("joins") or ()]
    return next((found for found in (_driving(source, seen) for source in sources) if found), [])


def _is_user_table(table: Table) -> bool:
    if table.schema is None:
        return not table.name.startswith("pg_")
    return not table.schema.startswith("pg_") and table.schema not in _OWN_SCHEMAS


def _full_name(table: Table) -> str:
    return table.name if table.schema is None else f"{table.schema}.{table.name}"
