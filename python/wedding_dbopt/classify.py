"""The business context of a statement, decided by what it touches and never by the wording of its text.

The names of tables, views and functions are split into words; rules give words a context, a criticality and a
weight. The last word of a name says what the thing is: where its rule says "other" (`event_log`, `booking_audit`)
it decides alone. Through a view or a function a statement touches what is behind it. Columns and tags of comments
only support a context found that way, and decide where no rule knows the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from wedding_dbopt.query import Table
from wedding_dbopt.touched import Role, Touched

OTHER = "other"
CRITICALITIES = ("low", "medium", "high", "critical")
UNRULED_CRITICALITY = "medium"
#: How much a table weighs by what the statement does with it.
FACTORS: Mapping[Role, int] = {"written": 8, "driving": 8, "joined": 2, "nested": 1}
UNRULED_WEIGHT = 5  # what a table without a rule takes from the confidence
UNRULED_CONFIDENCE = 0.5
DEEPEST = 5  # views of views and functions that call functions

OWN_SCHEMAS = ("wedding_dbopt", "_wedding_dbopt")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]")


@dataclass(frozen=True)
class Classification:
    """What a statement is for.

    `context` is the primary one or "other", `contexts` all that it touches, the primary first (empty for
    "other"). `criticality` is the highest of what gives the primary context. `confidence` is between 0 and 1:
    the primary context's share of all scores; 1 for a statement without user tables, 0.5 where no rule knows
    its tables. `tables` are the user tables it names, as `schema.name` where the statement says the schema.
    `own` tells that it touches nothing but this extension.
    """

    context: str
    contexts: tuple[str, ...]
    criticality: str
    confidence: float
    tables: tuple[str, ...]
    own: bool = False


@dataclass(frozen=True)
class Behind:
    """What the catalogue knows of a name: its schema, and what a view or a function's body touches.

    `certain` is False where nobody could look, so that a function without a rule is not counted.
    """

    schema: str | None = None
    touched: Touched = field(default_factory=Touched)
    certain: bool = True


class Catalogue(Protocol):
    """Answers for the role that runs the statement."""

    def relation(self, table: Table) -> Behind | None:
        """What is known of a table; None when it is not found."""

    def function(self, schema: str | None, name: str) -> Behind | None:
        """What is known of a function; None for one of the server or of an extension other than ours."""


class Unknown:
    """The catalogue of somebody who cannot look."""

    def relation(self, table: Table) -> Behind | None:
        return None

    def function(self, schema: str | None, name: str) -> Behind | None:
        return None if name.startswith("pg_") or schema == "pg_catalog" else Behind(schema, certain=False)


@dataclass(frozen=True)
class Verdict:
    """What the rules say of one name: context scores, criticality; `ruled` if any rule knows it."""

    scores: Mapping[str, int] = field(default_factory=dict)
    criticality: str | None = None
    ruled: bool = False


@dataclass(frozen=True)
class _Evidence:
    verdict: Verdict
    factor: int
    written: bool = False


@dataclass(frozen=True)
class _Rule:
    key: str
    part: str
    context: str | None
    criticality: str | None
    weight: int
    words: tuple[str, ...]
    whole: re.Pattern[str] | None
    dotted: bool

    @classmethod
    @lru_cache(maxsize=1000)
    def of(cls, part: str, pattern: str, context: str | None, criticality: str | None, weight: int) -> _Rule:
        whole = "*" in pattern or "." in pattern or (part == "tag" and "=" in pattern)
        return cls(
            key=f"{part} {pattern}",
            part=part,
            context=context,
            criticality=criticality,
            weight=weight,
            words=tuple(words(pattern)),
            whole=re.compile(".*".join(map(re.escape, pattern.split("*")))) if whole else None,
            dotted="." in pattern and part != "tag",
        )

    @property
    def rank(self) -> tuple[bool, bool, bool]:
        """The more a rule says, the more it counts: a full name, a whole name or several words, a kind of thing."""
        return (self.dotted, self.whole is not None or len(self.words) > 1, self.part != "name")

    def place(self, name: str, full: str, split: Sequence[str]) -> int | None:
        """The place of the last word of `name` that the rule is about; None when it does not match."""
        if self.whole is not None:
            of_full = self.dotted or self.part == "tag"
            return len(split) - 1 if self.whole.fullmatch(full if of_full else name) else None
        size = len(self.words)
        places = [end for end in range(size, len(split) + 1) if tuple(split[end - size : end]) == self.words]
        return places[-1] - 1 if places and size else None


class Rules:
    """The rules of the table context_rule, ready to be asked; answers are remembered."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows with part, pattern, context, criticality and weight."""
        found = list(rows)
        self._statements = {str(row["pattern"]): row for row in found if row["part"] == "statement"}
        self._rules = [
            _Rule.of(row["part"], str(row["pattern"]), row["context"], row["criticality"], row["weight"])
            for row in found
            if row["part"] != "statement"
        ]
        self._known: dict[tuple[str, str | None, str], Verdict] = {}

    def of_thing(self, part: str, schema: str | None, name: str) -> Verdict:
        """The verdict on a table or function. A schema that is of no business keeps its tables out of any,
        unless a rule names them in full; a schema with a context gives it to names without one."""
        key = (part, schema, name)
        if key not in self._known:
            self._known[key] = self._of_thing(part, schema, name)
        return self._known[key]

    def of_column(self, name: str) -> Verdict:
        """The verdict on a column."""
        key = ("column", None, name)
        if key not in self._known:
            self._known[key] = _weighed(self._matches(("column",), name, name))
        return self._known[key]

    def of_tags(self, pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        """The rules that know a comment's tags, as `part pattern`: what can be kept, unlike the tags."""
        found = [
            rule.key
            for key, value in pairs
            for _, rule in self._matches(("tag", "name"), value, f"{key}={value}")
            if rule.context != OTHER
        ]
        return tuple(dict.fromkeys(found))

    def of_key(self, key: str) -> Verdict:
        """The verdict of one rule, by its key."""
        return _weighed([(0, rule) for rule in self._rules if rule.key == key])

    def of_statement(self, queryid: int | None) -> Mapping[str, Any] | None:
        """The rule that names a statement by its query id."""
        return self._statements.get(str(queryid))

    def _of_thing(self, part: str, schema: str | None, name: str) -> Verdict:
        matches = self._matches((part, "name"), name, f"{schema}.{name}")
        around = _weighed(self._matches(("schema",), schema or "", schema or ""))
        if around.ruled and not around.scores and not any(rule.dotted for _, rule in matches):
            return around
        verdict = _weighed(matches)
        if around.scores and not verdict.scores:
            return Verdict(around.scores, verdict.criticality or around.criticality, True)
        return verdict

    def _matches(self, parts: tuple[str, ...], name: str, full: str) -> list[tuple[int, _Rule]]:
        """The rules that match, each with the place of its word: 0 is the last word, -1 the one before it."""
        split = words(name)
        return [
            (place - len(split) + 1, rule)
            for rule in self._rules
            if rule.part in parts and (place := rule.place(name.lower(), full.lower(), split)) is not None
        ]


def classify(
    what: Touched,
    rules: Rules,
    catalogue: Catalogue | None = None,
    tag_rules: Sequence[str] = (),
    queryid: int | None = None,
) -> Classification:
    """Classify what a statement touches.

    What the statement writes decides, if a rule knows it; else the highest weight does, where the driving table
    counts most (FACTORS). `tag_rules` are those that `Rules.of_tags` found. A rule for the statement itself
    decides before all.
    """
    found = _classified(what, rules, catalogue or Unknown(), tag_rules)
    given = rules.of_statement(queryid)
    if given is None:
        return found
    context = given["context"] or found.context
    others = tuple(other for other in found.contexts if other != context)
    return Classification(
        context,
        () if context == OTHER else (context, *others),
        given["criticality"] or found.criticality,
        1.0 if given["context"] else found.confidence,
        found.tables,
        found.own,
    )


def _classified(
    what: Touched, rules: Rules, catalogue: Catalogue, tag_rules: Sequence[str]
) -> Classification:
    evidence, own = _evidence(what, rules, catalogue, max(FACTORS.values()), DEEPEST)
    tables = tuple(dict.fromkeys(_full_name(table) for table, _ in what.tables if _is_user_table(table)))
    if not evidence:
        return Classification(OTHER, (), "low", 1.0, (), own)
    if own and all(item.verdict.ruled and not item.verdict.scores for item in evidence):
        return Classification(OTHER, (), _highest(evidence), 1.0, tables, True)
    scores: dict[str, int] = {}
    for item in evidence:
        for context, weight in item.verdict.scores.items():
            scores[context] = max(scores.get(context, 0), item.factor * weight)
    hints = [*map(rules.of_column, what.columns), *map(rules.of_key, tag_rules)]
    unruled = max((UNRULED_WEIGHT * item.factor for item in evidence if not item.verdict.ruled), default=0)
    certainty = 1.0
    if not scores and unruled:
        certainty = UNRULED_CONFIDENCE
        evidence = [_Evidence(hint, 1) for hint in hints if hint.scores] or evidence
        for hint in hints:
            for context, weight in hint.scores.items():
                scores[context] = max(scores.get(context, 0), weight)
        unruled = 0
    else:
        for hint in hints:
            for context in scores.keys() & hint.scores.keys():
                scores[context] += hint.scores[context]
    written = [item for item in evidence if item.written and item.verdict.ruled]
    candidates = {context for item in written for context in item.verdict.scores} if written else set(scores)
    if not candidates:
        return Classification(OTHER, (), _highest(written or evidence), 1.0 if written else certainty, tables)
    ranked = sorted(scores, key=lambda context: (context in candidates, scores[context]), reverse=True)
    confidence = certainty * scores[ranked[0]] / (sum(scores.values()) + unruled)
    decisive = [item for item in evidence if ranked[0] in item.verdict.scores]
    return Classification(ranked[0], tuple(ranked), _highest(decisive), round(confidence, 3), tables)


def _evidence(
    what: Touched, rules: Rules, catalogue: Catalogue, limit: int, depth: int
) -> tuple[list[_Evidence], bool]:
    """What the rules say of all that is touched, also behind views and functions; and if ours is among it."""
    found: list[_Evidence] = []
    own = False

    def add(verdict: Verdict, factor: int, written: bool, behind: Touched, certain: bool) -> None:
        inner: list[_Evidence] = []
        if depth and behind != Touched():
            inner, _ = _evidence(behind, rules, catalogue, 1 if verdict.scores else factor, depth - 1)
        if written and not verdict.ruled:
            inner = [_Evidence(item.verdict, item.factor, item.factor == factor) for item in inner]
        else:
            inner = [_Evidence(item.verdict, item.factor) for item in inner]
        if verdict.ruled or (certain and not inner):
            found.append(_Evidence(verdict, factor, written))
        found.extend(inner)

    for table, role in what.tables:
        relation = catalogue.relation(table)
        if relation is None and what.guessed:
            continue
        relation = relation or Behind()
        schema = table.schema or relation.schema
        own = own or schema in OWN_SCHEMAS
        if _is_user_table(Table(schema, table.name, table.alias)):
            verdict = rules.of_thing("table", schema, table.name)
            add(verdict, min(limit, FACTORS[role]), role == "written", relation.touched, True)
    factor = 1 if found else limit
    for schema, name in what.functions:
        function = catalogue.function(schema, name)
        if function is None:
            continue
        home = schema or function.schema
        if home in OWN_SCHEMAS:
            own = True
            continue
        verdict = rules.of_thing("function", home, name)
        add(verdict, factor, False, function.touched, function.certain)
    return found, own


def words(name: str) -> list[str]:
    """Split a name at underscores, digits and capitals into lower-case singular words."""
    return [_singular(word.lower()) for word in _WORD.findall(name)]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _weighed(matches: Sequence[tuple[int, _Rule]]) -> Verdict:
    """Let the rules that say most decide; of equal scores the last word's comes first, for it names the thing."""
    if not matches:
        return Verdict()
    saying = _top([match for match in matches if match[1].context is not None])
    other = [(place, rule) for place, rule in saying if rule.context == OTHER and place == 0]
    if other:
        saying = other
        judging = [match for match in saying if match[1].criticality]
    else:
        judging = _top([match for match in matches if match[1].criticality is not None])
    scores: dict[str, int] = {}
    for _, rule in sorted(saying, key=lambda match: match[0], reverse=True):
        if rule.context is not None and rule.context != OTHER:
            scores[rule.context] = max(scores.get(rule.context, 0), rule.weight)
    given = [rule.criticality for _, rule in judging if rule.criticality is not None]
    return Verdict(scores, max(given, key=CRITICALITIES.index) if given else None, bool(saying))


def _top(matches: list[tuple[int, _Rule]]) -> list[tuple[int, _Rule]]:
    highest = max((rule.rank for _, rule in matches), default=None)
    return [match for match in matches if match[1].rank == highest]


def _highest(evidence: Sequence[_Evidence]) -> str:
    return max(
        (item.verdict.criticality or UNRULED_CRITICALITY for item in evidence), key=CRITICALITIES.index
    )


def _is_user_table(table: Table) -> bool:
    """Names that begin with pg_ are the server's or an extension's, wherever they are installed."""
    hidden = (*OWN_SCHEMAS, "information_schema")
    return table.schema not in hidden and not any(
        name.startswith("pg_") for name in (table.name, table.schema or "")
    )


def _full_name(table: Table) -> str:
    return table.name if table.schema is None else f"{table.schema}.{table.name}"
