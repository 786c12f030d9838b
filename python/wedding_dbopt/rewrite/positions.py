"""Where a node stands in its statement, which decides how much of its value counts."""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import ColumnFact, alias_of, enclosing_scope, only_source
from wedding_dbopt.rewrite.reading import PURE_NAMES
from wedding_dbopt.tree import Reached, flattened, topmost

# Functions without side effects whose result does not depend on how often they are called.
PURE = (
    exp.And, exp.Or, exp.Xor, exp.Abs, exp.All, exp.Any, exp.Array, exp.ArrayAgg, exp.ArrayContainsAll,
    exp.ArrayPosition, exp.ArrayToString, exp.Avg, exp.Case, exp.Cast, exp.Ceil, exp.Coalesce, exp.Concat, exp.Count,
    exp.CurrentDate, exp.CurrentTimestamp, exp.Date, exp.DenseRank, exp.Exists, exp.Extract, exp.FirstValue, exp.Floor,
    exp.Greatest, exp.GroupConcat, exp.If, exp.JSONBExtract, exp.JSONBExtractScalar, exp.JSONExtract,
    exp.JSONExtractScalar, exp.Lag, exp.LastValue, exp.Lead, exp.Least, exp.Left, exp.Length, exp.LogicalAnd,
    exp.LogicalOr, exp.Lower, exp.MatchAgainst, exp.Max, exp.Min, exp.Nullif, exp.Pow, exp.Rank, exp.Right, exp.Round,
    exp.RowNumber, exp.Sign, exp.Sqrt, exp.Substring, exp.Sum, exp.TimestampTrunc, exp.TimeToStr, exp.Trim,
    exp.UnixToTime, exp.Upper,
)  # fmt: skip
_NEGATABLE = (exp.And, exp.Or, exp.Paren, exp.Not)
_POSITIVE = (exp.And, exp.Or, exp.Paren)
# What was reached in the tree at hand.
_tops: dict[tuple[type[exp.Expr], ...], Reached] = {_NEGATABLE: {}, _POSITIVE: {}}
CALLING = (exp.Func, exp.Dot, exp.SessionParameter, exp.Operator, exp.Lock)


def in_filter(node: exp.Expr) -> bool:
    """Tell whether `node` is a condition of WHERE or JOIN ON, or joined to one by AND, OR and NOT."""
    return _filter(node, _NEGATABLE)


def decides_rows(node: exp.Expr) -> bool:
    """Tell whether `node` is such a condition that NULL counts as false: no NOT stands above it."""
    return _filter(node, _POSITIVE)


def new_tree() -> None:
    """Forget where nodes stood in the tree before."""
    for known in _tops.values():
        known.clear()


def _filter(node: exp.Expr, connectors: tuple[type[exp.Expr], ...]) -> bool:
    node = topmost(node, lambda above: isinstance(above, connectors), _tops[connectors])
    parent = node.parent
    if isinstance(parent, exp.Join):
        return node.arg_key == "on"
    return isinstance(parent, exp.Where) and isinstance(parent.parent, (exp.Select, exp.Update, exp.Delete))


def conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """Return the conditions that AND joins to `node`, itself included."""
    top = node
    while isinstance(top.parent, (exp.And, exp.Paren)):
        top = top.parent
    return flattened(top, exp.And)


def qualified(column: exp.Expr) -> exp.Column:
    """Return a copy of a column with its source's name; it has one, or its scope has one source."""
    copy = column.copy()
    assert isinstance(copy, exp.Column)
    source = only_source(enclosing_scope(column))
    if copy.args.get("table") is None and source is not None:
        copy.set("table", alias_of(source).copy())
    return copy


def can_be_qualified(column: exp.Expr, fact: ColumnFact) -> bool:
    """Tell whether `qualified` gives the name that `fact` describes."""
    return bool(column.args.get("table")) or only_source(enclosing_scope(column)) is fact.source


def is_pure(node: exp.Expr) -> bool:
    """Tell whether every function call below `node` is known to be without side effects."""
    return all(_is_pure_call(call) for call in node.find_all(*CALLING))


def _is_pure_call(call: exp.Expr) -> bool:
    if isinstance(call, exp.Anonymous):
        return str(call.this).lower() in PURE_NAMES
    return isinstance(call, PURE)


def has_only(select: exp.Expr, *clauses: str) -> bool:
    """Tell whether a SELECT has no other clause than a list of expressions and those named."""
    return all(not value or clause in ("expressions", *clauses) for clause, value in select.args.items())
