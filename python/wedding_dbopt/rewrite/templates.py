"""Build nodes from SQL: a template's names in the form `_name_` stand for nodes that take their place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sqlglot
from sqlglot import exp

from wedding_dbopt.tree import flattened

#: Operands that need no parentheses inside an expression.
CLOSED = (
    exp.Column, exp.Literal, exp.Paren, exp.Boolean, exp.Null, exp.Subquery, exp.Parameter, exp.Cast, exp.Exists,
    exp.Anonymous, exp.Tuple, exp.Interval,
)  # fmt: skip
OPERATORS = (exp.Binary, exp.Unary, exp.Between, exp.In, exp.Is)


@lru_cache(maxsize=500)
def _template(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, dialect="postgres")


@lru_cache(maxsize=500)
def _condition(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, into=exp.Condition, dialect="postgres")


def condition(text: str, **parts: exp.Expr | str) -> exp.Expr:
    """Return the expression `text` with nodes, or names, in the place of `_name_`."""
    return _filled(_condition(text).copy(), parts)


def statement(text: str, **parts: exp.Expr | str) -> exp.Expr:
    """Return the statement `text` with nodes, or names, in the place of `_name_`."""
    return _filled(_template(text).copy(), parts)


def _filled(tree: exp.Expr, parts: dict[str, exp.Expr | str]) -> exp.Expr:
    holder = exp.Paren(this=tree)
    for identifier in list(holder.find_all(exp.Identifier)):
        part = parts.get(identifier.name[1:-1]) if identifier.name.startswith("_") else None
        if part is None:
            continue
        if isinstance(part, str):
            identifier.replace(exp.to_identifier(part))
        elif isinstance(part, exp.Identifier):
            identifier.replace(part.copy())
        else:
            place = identifier.parent
            assert isinstance(place, (exp.Column, exp.Table))
            new = part.copy()
            if isinstance(place.parent, OPERATORS) and not isinstance(new, (*CLOSED, exp.Func)):
                new = exp.Paren(this=new)
            place.replace(new)
    whole: exp.Expr = holder.this
    whole.pop()
    return whole


def all_of(conditions: Sequence[exp.Expr]) -> exp.Expr | None:
    """Return copies of the conditions joined by AND, alternatives in parentheses; None for none."""
    return _chain(exp.And, conditions, (exp.Or,))


def any_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Return copies of the conditions joined by OR."""
    found = _chain(exp.Or, conditions, ())
    assert found is not None
    return found


def _chain(
    connector: type[exp.Expr], conditions: Sequence[exp.Expr], wrapped: tuple[type[exp.Expr], ...]
) -> exp.Expr | None:
    whole: exp.Expr | None = None
    for operand in (part for condition_ in conditions for part in flattened(condition_, connector)):
        part = operand.copy()
        if isinstance(part, wrapped):
            part = exp.Paren(this=part)
        whole = part if whole is None else connector(this=whole, expression=part)
    return whole


def with_where(select: exp.Expr, conditions: Sequence[exp.Expr]) -> exp.Expr:
    """Return a copy of a SELECT whose WHERE is exactly the conditions."""
    copy = select.copy()
    where = all_of(conditions)
    copy.set("where", exp.Where(this=where) if where is not None else None)
    return copy


def closed(node: exp.Expr) -> exp.Expr:
    """Return a copy of an expression that may stand beside any operator."""
    copy = node.copy()
    return copy if isinstance(copy, CLOSED) else exp.Paren(this=copy)


def number(value: int) -> exp.Expr:
    """Return an integer constant."""
    literal = exp.Literal.number(abs(value))
    return exp.Neg(this=literal) if value < 0 else literal
