"""What an index key can be: a column, or an expression of one table made of immutable built-in functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from .resolve import Resolver, name_of

_NODES = (
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Paren,
    exp.Lower,
    exp.Upper,
    exp.Coalesce,
    exp.DPipe,
    exp.Concat,
    exp.Trim,
    exp.Length,
    exp.Substring,
    exp.Left,
    exp.Right,
    exp.Abs,
    exp.MD5,
    exp.Extract,
    exp.TimestampTrunc,
    exp.Date,
    exp.JSONExtract,
    exp.JSONExtractScalar,
    exp.JSONBExtract,
    exp.JSONBExtractScalar,
    exp.JSONPath,
    exp.JSONPathRoot,
    exp.JSONPathKey,
    exp.JSONPathSubscript,
    exp.Cast,
    exp.DataType,
    exp.ObjectIdentifier,
    exp.DataTypeParam,
    exp.Var,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Null,
)
_NAMED = frozenset({"to_tsvector", "setweight", "btrim", "ltrim", "rtrim", "date_trunc"})
_TEXT = frozenset({"text", "varchar", "character varying", "bpchar", "character", "name"})


def quoted(identifier: str) -> str:
    """An identifier as PostgreSQL reads it literally, whatever it contains."""
    return '"' + identifier.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """`"schema"."name"`, quoted."""
    return f"{quoted(schema)}.{quoted(name)}"


@dataclass(frozen=True, order=True)
class Term:
    """One possible key: `sql` for the DDL, `column` when it is a plain column, `columns` it is made of."""

    sql: str
    column: str | None
    columns: tuple[str, ...]


def column_term(name: str) -> Term:
    """The term of a plain column."""
    return Term(quoted(name), name, (name,))


def bare(node: exp.Expr) -> exp.Expr:
    """The node without parentheses and without casts between text types, which an index ignores."""
    inner = node
    while isinstance(inner, exp.Paren) or (isinstance(inner, exp.Cast) and _is_text(inner.to)):
        inner = inner.this
    return inner if isinstance(inner, exp.Column) else node.unnest()


def own_columns(node: exp.Expr) -> Iterator[exp.Column]:
    """Columns of an expression outside its subqueries, which are evaluated on their own."""
    for inner in node.dfs(prune=lambda part: isinstance(part, exp.Query)):
        if isinstance(inner, exp.Column):
            yield inner


def term(node: exp.Expr, resolver: Resolver) -> tuple[exp.Table, Term] | None:
    """The table reference and the key that an expression stands for; None when no index can hold it."""
    node = bare(node)
    if isinstance(node, exp.Column):
        found = resolver.column(node)
        if found is None:
            return None
        relation = resolver.relation(found[0])
        kind = relation.columns[found[1]].type if relation is not None else ""
        return None if kind in ("json", "xml", "point") else (found[0], column_term(found[1]))
    if not _indexable(node):
        return None
    places = [resolver.column(column) for column in node.find_all(exp.Column)]
    if not places or any(place is None for place in places):
        return None
    tables = {id(place[0]): place[0] for place in places if place is not None}
    if len(tables) != 1:
        return None
    names = tuple(sorted({place[1] for place in places if place is not None}))
    return next(iter(tables.values())), Term(f"({expression_sql(node)})", None, names)


def expression_sql(node: exp.Expr) -> str:
    """The text of an expression with unqualified, quoted columns, as an index definition needs it."""
    copy = node.copy()
    for column in copy.find_all(exp.Column):
        column.set("table", None)
        column.set("this", exp.to_identifier(name_of(column.this), quoted=True))
        for qualifier in ("db", "catalog"):
            column.set(qualifier, None)
    return str(copy.transform(_lower_unit).sql(dialect="postgres"))


def _lower_unit(node: exp.Expr) -> exp.Expr:
    # sqlglot writes the unit of date_trunc in capitals; an index matches only the constant of the statement.
    unit = node.args.get("unit") if isinstance(node, exp.TimestampTrunc) else None
    if not isinstance(unit, exp.Var):
        return node
    constant = exp.Literal.string(unit.name.lower())
    return exp.Anonymous(this="date_trunc", expressions=[constant, node.this])


def _indexable(node: exp.Expr) -> bool:
    for part in node.walk():
        if isinstance(part, exp.Anonymous):
            if str(part.this).lower() not in _NAMED or part.find_ancestor(exp.Dot):
                return False
        elif not isinstance(part, _NODES) or _is_foreign(part):
            return False
    return not isinstance(node, (exp.Literal, exp.Null))


def _is_foreign(part: exp.Expr) -> bool:
    return isinstance(part, exp.DataType) and part.this == exp.DType.USERDEFINED


def _is_text(kind: exp.Expr | None) -> bool:
    return isinstance(kind, exp.DataType) and kind.sql("postgres").lower().split("(")[0] in _TEXT
