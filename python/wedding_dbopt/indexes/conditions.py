"""One condition of a WHERE or ON clause, seen as the index keys it could use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from sqlglot import exp

from ..tree import flattened
from .grades import Limit, limits
from .resolve import Resolver
from .terms import Term, bare, expression_sql, own_columns, term

_RANGES = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_OPERATORS = {exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
_TURNED = str.maketrans("<>", "><")
_MOST_VALUES = 5
_PATTERNS = (exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpILike)
_KEYS = (exp.JSONBContainsTopKey, exp.JSONBContainsAnyTopKeys, exp.JSONBContainsAllTopKeys)
_CONTAINED = (exp.ArrayContainsAll, exp.ArrayContainedBy, exp.ArrayOverlaps)
_TEXTS = ("text", "character varying", "varchar")
# A trigram index finds nothing by less than three letters in a row.
_TRIGRAM = re.compile(r"\w{3}")
_PARAMETER = re.compile(r"\$\d")
_CLOCKS = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentDatetime, exp.Localtimestamp)
_CLOCK_CALLS = ("now", "clock_timestamp", "statement_timestamp", "transaction_timestamp")
Placed = tuple[exp.Table, "Condition"]


@dataclass(frozen=True)
class Constant:
    """A condition that is the same in every call, fit for a partial index: its text and its columns.

    `values` are the texts of the values that its only column may have (None is NULL, an empty text anything but NULL).
    A comparison of two columns has none, nor has a range: its `share` of the rows is given; `dated` is one from a date on.
    `excludes` tells that the values are those left out, NULL where it is among them. `times` counts the places where the
    statement says the same.
    """

    columns: tuple[str, ...]
    condition: str
    values: tuple[str | None, ...]
    share: float | None = None
    excludes: bool = False
    dated: bool = False
    times: int = field(default=1, compare=False)

    @property
    def keeps_nulls(self) -> bool:
        """Whether it is known to hold of NULL."""
        return bool(self.values) and (None in self.values) != self.excludes

    @property
    def says(self) -> tuple[object, ...]:
        """What it asks, in whatever words it names values."""
        return self.columns, self.values or self.condition, self.excludes


@dataclass(frozen=True)
class Search:
    """A condition that only an index of its `family` serves: tsvector, jsonb, array, range, text or similar (trigrams).

    `expression` is the key, `condition` the whole text, with `$1` for a value that is not known; `columns` are those
    of the key. `opclass` is the operator class the condition needs, None where the default one serves.
    """

    expression: str
    condition: str
    columns: tuple[str, ...]
    family: str = "tsvector"
    opclass: str | None = None

    @property
    def method(self) -> str:
        """The index method."""
        return "gist" if self.family == "range" else "gin"

    @property
    def assumed(self) -> bool:
        """Whether the searched value is not known."""
        return "$" in self.condition and _PARAMETER.search(self.condition) is not None


@dataclass(frozen=True)
class Bound:
    """The least value that a range asks for of a column: a text, or None where the text of the statement has none.

    `clock` tells that it comes from now(), current_date or their like.
    """

    column: str
    value: str | None
    clock: bool = False


@dataclass(frozen=True)
class Condition:
    """How a key is used: `equal`, `ranged`, `prefixed` (LIKE 'x%'), `joined` or `fixed` (IS NOT NULL, IS NOT TRUE).

    `limits` are the numbers between which a range lies. Of an expression `said` is the text where its values are in it, and
    `parts` counts the values or ends.
    """

    kind: str
    term: Term
    constant: Constant | None = None
    bound: Bound | None = None
    limits: tuple[Limit, ...] = ()
    said: str | None = None
    parts: int = 1


def conjuncts(root: exp.Expr | None) -> list[exp.Expr]:
    """The AND-ed parts of a condition, without outer parentheses."""
    return [] if root is None else [part.unnest() for part in flattened(root, exp.And)]


def arms(root: exp.Expr) -> list[exp.Expr]:
    """The OR-ed parts of a condition."""
    return [part.unnest() for part in flattened(root, exp.Or)]


def conditions(part: exp.Expr, resolver: Resolver) -> list[Placed]:
    """The keys one conjunct could use, each with its table reference; empty when no B-tree helps."""
    return [
        (place, _as_said(found, part) if found.term.column is None else found)
        for place, found in _conditions(part, resolver)
    ]


def _as_said(condition: Condition, part: exp.Expr) -> Condition:
    """A condition on an expression with its text, where that is all it says."""
    parts = len(part.expressions) if isinstance(part, exp.In) else 1 + isinstance(part, exp.Between)
    known = part.find(exp.Parameter, exp.Placeholder, exp.Query, exp.Tuple) is None
    said = expression_sql(part) if known and condition.kind in ("equal", "ranged") else None
    return replace(condition, said=said, parts=max(parts, 1))


def _conditions(part: exp.Expr, resolver: Resolver) -> list[Placed]:
    if isinstance(part, exp.EQ):
        return _equality(part.left, part.right, resolver)
    if isinstance(part, _RANGES):
        return _range(part, resolver)
    if isinstance(part, exp.Between):
        ends = [part.args["low"], part.args["high"]]
        if part.args.get("symmetric"):
            return _one_sided("ranged", part.this, ends, resolver)
        both = limits({">=": ends[0], "<=": ends[1]})
        return _one_sided("ranged", part.this, ends, resolver, ends[0], both)
    if isinstance(part, exp.In):
        return _membership(part, resolver)
    if isinstance(part, exp.Like) and not part.args.get("negate"):
        pattern = _literal(part.expression)
        starts = pattern is not None and pattern[:1] not in ("%", "_", "")
        return _one_sided("prefixed", part.this, [part.expression], resolver) if starts else []
    if isinstance(part, exp.Is) or (isinstance(part, exp.Not) and isinstance(part.this.unnest(), exp.Is)):
        return _is(part, resolver)
    if isinstance(part, (exp.Column, exp.Not)):
        return _boolean(part, resolver)
    return []


def search(part: exp.Expr, resolver: Resolver) -> tuple[exp.Table, Search] | None:
    """What a conjunct asks of a GIN or GiST index, with its table reference; None when such an index cannot help."""
    if isinstance(part, exp.Or):
        return _all_arms([search(arm, resolver) for arm in arms(part)])
    for side, value in _sides(part):
        found = term(side, resolver)
        if found is None:
            continue
        family = _family(part, side, found, resolver)
        if family is None or (family == "text" and not _findable(value)):
            continue
        whole = part
        if not _constant(value):
            unknown = exp.Parameter(this=exp.Literal.number(1))
            whole = part.copy()
            next(node for node in whole.walk() if node == value).replace(unknown)
        opclass = {"text": "gin_trgm_ops", "similar": "gin_trgm_ops"}
        if not isinstance(part, _KEYS):
            opclass["jsonb"] = "jsonb_path_ops"
        entry = Search(found[1].sql, expression_sql(whole), found[1].columns, family, opclass.get(family))
        return found[0], entry
    return None


def _all_arms(found: list[tuple[exp.Table, Search] | None]) -> tuple[exp.Table, Search] | None:
    """What all arms of an OR ask of one index; None where one asks something else, or values that nobody knows."""
    held = [item for item in found if item is not None]
    table, first = held[0] if len(held) == len(found) else (None, None)
    if table is None or first is None:
        return None
    same = all(
        other is table and replace(item, condition="") == replace(first, condition="") for other, item in held
    )
    whole = replace(first, condition=" OR ".join(f"({item.condition})" for _, item in held))
    return (table, whole) if same and (first.family == "tsvector" or not whole.assumed) else None


def _sides(part: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    """The possible keys of a search condition, each with the value it is compared with."""
    if part.args.get("negate"):
        return []
    if isinstance(part, exp.MatchAgainst):
        document = part.expressions[0]
        return [(document, part.this), (part.this, document)]
    if isinstance(part, (*_PATTERNS, *_KEYS, exp.JSONBPathExists)):
        return [(part.this, part.expression)]
    # As a condition, % is no remainder but the similarity of pg_trgm.
    if isinstance(part, (*_CONTAINED, exp.Mod)):
        return [(part.this, part.expression), (part.expression, part.this)]
    return []


def _family(part: exp.Expr, side: exp.Expr, found: tuple[exp.Table, Term], resolver: Resolver) -> str | None:
    relation = resolver.relation(found[0])
    column = found[1].column
    kind = relation.columns[found[1].columns[0]].type if relation is not None else ""
    if isinstance(part, exp.MatchAgainst):
        document = kind == "tsvector" if column is not None else "tsvector" in found[1].sql.lower()
        return "tsvector" if document else None
    if isinstance(part, (*_PATTERNS, exp.Mod)):
        family = "similar" if isinstance(part, exp.Mod) else "text"
        return family if column is None or kind.startswith(_TEXTS) else None
    if kind == "jsonb":
        holds = isinstance(part, exp.ArrayContainedBy) != (side is part.this) and not isinstance(
            part, exp.ArrayOverlaps
        )
        document = column is not None or isinstance(bare(side), (exp.JSONExtract, exp.JSONBExtract))
        return "jsonb" if holds and document else None
    if column is None or not isinstance(part, _CONTAINED):
        return None
    return "array" if kind.endswith("[]") else "range" if kind.endswith("range") else None


def _findable(pattern: exp.Expr) -> bool:
    """Whether a pattern is unknown or holds three letters in a row behind a start that no B-tree finds."""
    known = _literal(pattern)
    if known is None:
        return not isinstance(bare(pattern), (exp.Any, exp.All))
    like = isinstance(pattern.parent, exp.Like)
    return _TRIGRAM.search(known) is not None and not (like and known[:1] not in ("%", "_"))


def _constant(value: exp.Expr) -> bool:
    """Whether a value is in the text: no parameter, column or subquery in it."""
    return value.find(exp.Parameter, exp.Placeholder, exp.Column, exp.Query) is None


def _equality(left: exp.Expr, right: exp.Expr, resolver: Resolver) -> list[Placed]:
    left, right = left.unnest(), right.unnest()
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        pairs = zip(left.expressions, right.expressions)
        return [found for one, other in pairs for found in _equality(one, other, resolver)]
    if isinstance(right, exp.Any):
        inner = right.this.unnest()
        if isinstance(inner, exp.Query):
            return _semi_join(left, inner, resolver)
    return _one_sided("equal", left, [right], resolver) + _one_sided("equal", right, [left], resolver)


def _range(part: exp.Binary, resolver: Resolver) -> list[Placed]:
    left, right = part.left.unnest(), part.right.unnest()
    if isinstance(left, exp.Tuple) and isinstance(right, exp.Tuple):
        # A row that begins equal may still be there, so the first pair alone bounds nothing.
        pair = left.expressions[0], right.expressions[0]
        return _one_sided("ranged", pair[0], [pair[1]], resolver) + _one_sided(
            "ranged", pair[1], [pair[0]], resolver
        )
    compared = _compared(part, resolver)
    if compared:
        return compared
    least, sign = isinstance(part, (exp.GT, exp.GTE)), _OPERATORS[type(part)]
    here, there = limits({sign: right}), limits({sign.translate(_TURNED): left})
    return _one_sided("ranged", left, [right], resolver, right if least else None, here) + _one_sided(
        "ranged", right, [left], resolver, None if least else left, there
    )


def _membership(part: exp.In, resolver: Resolver) -> list[Placed]:
    query = part.args.get("query")
    if query is not None:
        return _semi_join(part.this, query.unnest(), resolver)
    return _one_sided("equal", part.this, part.expressions, resolver)


def _semi_join(left: exp.Expr, query: exp.Expr, resolver: Resolver) -> list[Placed]:
    sides = [left, *(query.selects[:1] if isinstance(query, exp.Select) else [])]
    places = [term(side.unalias(), resolver) for side in sides]
    return [(found[0], Condition("joined", found[1])) for found in places if found is not None]


def _one_sided(
    kind: str,
    side: exp.Expr,
    others: list[exp.Expr],
    resolver: Resolver,
    least: exp.Expr | None = None,
    ends: tuple[Limit, ...] = (),
) -> list[Placed]:
    found = term(side, resolver)
    if found is None:
        return []
    places = [resolver.column(column) for other in others for column in own_columns(other)]
    if any(place is not None and place[0] is found[0] for place in places):
        return []
    if any(place is not None for place in places):
        return [(found[0], Condition("joined", found[1]))] if kind == "equal" else []
    constant = _fixed(found[1], others) if kind == "equal" else None
    bound = _bound(found[1].column, least) if least is not None and found[1].column is not None else None
    return [(found[0], Condition(kind, found[1], constant, bound, ends))]


def _bound(column: str, least: exp.Expr) -> Bound | None:
    value = _literal(least)
    if value is not None:
        return Bound(column, value)
    calls = (str(call.this).lower() for call in least.find_all(exp.Anonymous))
    clock = least.find(*_CLOCKS) is not None or any(name in _CLOCK_CALLS for name in calls)
    return Bound(column, None, clock) if clock or least.find(exp.Parameter) is not None else None


def _fixed(key: Term, others: list[exp.Expr]) -> Constant | None:
    """The constant of an equality or of a short IN list. Without casts it takes the column's type, whatever the path."""
    values = [_literal(other) for other in others[: _MOST_VALUES + 1]]
    if key.column is None or not values or len(values) > _MOST_VALUES or None in values:
        return None
    listed = [exp.Literal.string(str(value)).sql("postgres") for value in sorted(set(map(str, values)))]
    text = f"{key.sql} = {listed[0]}" if len(listed) == 1 else f"{key.sql} IN ({', '.join(listed)})"
    return Constant((key.column,), text, tuple(sorted(set(map(str, values)))))


def _compared(part: exp.Binary, resolver: Resolver) -> list[Placed]:
    """A comparison of two columns of one table, written in one way only."""
    left, right = term(part.left, resolver), term(part.right, resolver)
    if left is None or right is None or left[0] is not right[0]:
        return []
    if left[1].column is None or right[1].column is None or left[1].column == right[1].column:
        return []
    relation = resolver.relation(left[0])
    kinds = [relation.columns[str(side[1].column)].type for side in (left, right)] if relation else ["", "x"]
    if kinds[0] != kinds[1]:
        return []
    sign = _OPERATORS[type(part)]
    if left[1].sql > right[1].sql:
        left, right, sign = right, left, sign.translate(_TURNED)
    text = f"{left[1].sql} {sign} {right[1].sql}"
    fixed = Constant((str(left[1].column), str(right[1].column)), text, ())
    return [(left[0], Condition("fixed", left[1], fixed))]


def _is(part: exp.Expr, resolver: Resolver) -> list[Placed]:
    test = part.this.unnest() if isinstance(part, exp.Not) else part
    found = term(test.this, resolver)
    if found is None or found[1].column is None:
        return []
    what = test.expression.sql("postgres")
    column = found[1].column
    if bool(test.args.get("negate")) != isinstance(part, exp.Not):
        kept = {"NULL": ("",), "TRUE": ("false", None), "FALSE": ("true", None)}.get(what)
        if kept is None:
            return []
        fixed = Constant((column,), f"{found[1].sql} IS NOT {what}", kept)
        return [(found[0], Condition("fixed", found[1], fixed))]
    value = {"TRUE": "true", "FALSE": "false"}.get(what)
    return [
        (found[0], Condition("equal", found[1], Constant((column,), f"{found[1].sql} IS {what}", (value,))))
    ]


def _boolean(part: exp.Expr, resolver: Resolver) -> list[Placed]:
    column = part.this.unnest() if isinstance(part, exp.Not) else part
    found = term(column, resolver) if isinstance(column, exp.Column) else None
    if found is None or found[1].column is None:
        return []
    value = "false" if isinstance(part, exp.Not) else "true"
    text = f"NOT {found[1].sql}" if isinstance(part, exp.Not) else found[1].sql
    return [(found[0], Condition("equal", found[1], Constant((found[1].column,), text, (value,))))]


def _literal(node: exp.Expr) -> str | None:
    node = bare(node)
    if isinstance(node, exp.Cast):
        node = node.this
    if isinstance(node, exp.Boolean):
        return str(node.this).lower()
    return str(node.this) if isinstance(node, exp.Literal) else None
