"""Constants that stand for the parameters of a statement: a common, a middle and a rare value of the column each meets.

They come from `pg_stats`, read as the role that runs the statement, so it shows what that role may see. A parameter
that meets no column with statistics gets a value of its type, and is named: what it stands for is a guess.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from wedding_dbopt.planning import Execution
from wedding_dbopt.query import Query, tokens
from wedding_dbopt.rewrite.facts import ColumnFact, Facts
from wedding_dbopt.role_functions import literal

LABELS = ("common", "middle", "rare")
SECONDS = 2.0
#: Where in the histogram a lower and an upper bound lie: far apart for common values, close for rare ones.
_BOUNDS = {"common": (0.1, 0.9), "middle": (0.45, 0.55), "rare": (0.97, 0.99)}
_STATISTICS = """
select s.schemaname || '.' || s.tablename || '.' || s.attname as name, s.most_common_vals::text::text[] as common,
       s.histogram_bounds::text::text[] as bounds
from pg_catalog.pg_stats s where (s.schemaname, s.tablename, s.attname) in ({columns})
order by s.inherited
"""
_OF_TYPE = {
    "boolean": "true", "date": "today", "interval": "30 days", "json": "{}", "jsonb": "{}", "numeric": "10",
    "real": "10", "double precision": "10", "time without time zone": "12:00", "time with time zone": "12:00+00",
    "timestamp with time zone": "now", "timestamp without time zone": "now", "tsquery": "wedding",
    "uuid": "00000000-0000-0000-0000-000000000001", "smallint": "1", "integer": "1", "bigint": "1", "oid": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Binding:
    """A constant for each parameter, as SQL; `guessed` are the numbers of those that no statistic gave."""

    label: str
    constants: Mapping[int, str]
    guessed: tuple[int, ...] = ()

    def bound(self, text: str) -> str:
        """The text with the constants in the place of its parameters."""
        parts = []
        position = 0
        for token in tokens(text):
            if token.kind == "parameter":
                number = int(text[token.start + 1 : token.end])
                parts += [text[position : token.start], self.constants.get(number, "null")]
                position = token.end
        return "".join([*parts, text[position:]])


@dataclass(frozen=True)
class _Meeting:
    """What a parameter is compared with; `side` is "low" or "high" for a bound, `pattern` tells of LIKE."""

    fact: ColumnFact
    side: str | None
    pattern: bool


def bindings(query: Query, facts: Facts, execution: Execution) -> tuple[Binding, ...]:
    """The constants to try; one empty binding for a statement without parameters. Raises DatabaseError."""
    if not query.parameter_count:
        return (Binding("as written", {}),)
    types = execution.parameter_types(query)
    meetings = {
        number: meeting
        for node in query.tree.find_all(exp.Parameter)
        if (number := _number(node)) is not None and (meeting := _meeting(node, facts)) is not None
    }
    known = _statistics(execution, [meeting.fact for meeting in meetings.values()])
    special = _limits(query.tree)
    found = []
    for label in LABELS:
        constants: dict[int, str] = {}
        guessed = []
        for number, kind in enumerate(types, 1):
            value = special.get(number)
            if value is None and number in meetings:
                value = _value(meetings[number], known, label)
            if value is None:
                guessed.append(number)
                value = _OF_TYPE.get(kind.removesuffix("[]"), "a")
            if kind.endswith("[]") and not value.startswith("{"):
                value = "{" + json.dumps(value) + "}"
            constants[number] = f"({literal(value)}::{kind})"
        found.append(Binding(label, constants, tuple(guessed)))
    return tuple(
        item for n, item in enumerate(found) if all(item.constants != other.constants for other in found[:n])
    )


def _number(node: exp.Expr) -> int | None:
    return int(node.name) if node.name.isdigit() else None


def _meeting(node: exp.Expr, facts: Facts) -> _Meeting | None:
    inner, outer = node, node.parent
    while isinstance(outer, (exp.Paren, exp.Cast, exp.Any, exp.Array)):
        inner, outer = outer, outer.parent
    if not isinstance(outer, (exp.Predicate, exp.Between, exp.In)) or outer is None:
        return None
    operand = outer.this if inner is not outer.this else outer.args.get("expression")
    column = operand.unnest() if isinstance(operand, exp.Expr) else None
    while isinstance(column, (exp.Cast, exp.Coalesce, exp.Date, exp.Lower, exp.TimestampTrunc)):
        column = column.this
    fact = facts.column(column) if column is not None else None
    if fact is None:
        return None
    flipped = inner is outer.this
    side = None
    if isinstance(outer, exp.Between):
        side = "low" if inner is outer.args.get("low") else "high"
    elif isinstance(outer, (exp.GT, exp.GTE)):
        side = "high" if flipped else "low"
    elif isinstance(outer, (exp.LT, exp.LTE)):
        side = "low" if flipped else "high"
    return _Meeting(fact, side, isinstance(outer, (exp.Like, exp.ILike)))


def _limits(tree: exp.Expr) -> dict[int, str]:
    """A page's size and its beginning."""
    found = {}
    for kind, value in ((exp.Limit, "20"), (exp.Fetch, "20"), (exp.Offset, "0")):
        for clause in tree.find_all(kind):
            for node in clause.find_all(exp.Parameter):
                if (number := _number(node)) is not None:
                    found[number] = value
    return found


def _key(fact: ColumnFact) -> str:
    return f"{fact.relation.schema}.{fact.relation.name}.{fact.column.name}"


def _statistics(execution: Execution, facts: Sequence[ColumnFact]) -> dict[str, tuple[list[str], list[str]]]:
    if not facts:
        return {}
    columns = ", ".join(
        f"({literal(fact.relation.schema)}, {literal(fact.relation.name)}, {literal(fact.column.name)})"
        for fact in facts
    )
    text = f"select pg_catalog.json_agg(q)::text from ({_STATISTICS.format(columns=columns)}) q"
    rows: list[dict[str, Any]] = json.loads(execution.read(text, SECONDS, own_path=True) or "[]")
    return {row["name"]: (row["common"] or [], row["bounds"] or []) for row in rows}


def _value(meeting: _Meeting, known: Mapping[str, tuple[list[str], list[str]]], label: str) -> str | None:
    common, bounds = known.get(_key(meeting.fact), ([], []))
    ordered = bounds or sorted(common)
    if not ordered:
        return None
    if meeting.side is not None:
        share = _BOUNDS[label][meeting.side == "high"]
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
    if label == "common":
        value = common[0] if common else ordered[len(ordered) // 3]
    elif label == "middle":
        value = ordered[len(ordered) // 2]
    else:
        value = ordered[-1] if bounds else common[-1]
    return f"{value[:4]}%" if meeting.pattern else value


def describe(binding: Binding) -> str:
    """What the constants are, for people."""
    if not binding.constants:
        return "as written"
    shown = ", ".join(f"${number} = {value[1:-1]}" for number, value in sorted(binding.constants.items()))
    guess = f"; guessed: {', '.join(f'${number}' for number in binding.guessed)}" if binding.guessed else ""
    return f"{binding.label} constants ({shown}{guess})"
