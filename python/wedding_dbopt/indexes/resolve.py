"""Which table a column of a statement belongs to: aliases, subqueries, CTEs, correlation, DML."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from ..catalog import Catalog, Relation
from ..query import Table, folded
from ..tree import Reached, topmost

Scope = (exp.Select, exp.Update, exp.Delete, exp.Merge, exp.Insert)


def name_of(identifier: exp.Expr | None) -> str:
    """The name PostgreSQL sees in an identifier; empty for anything else."""
    return folded(identifier) if isinstance(identifier, exp.Identifier) else ""


class Resolver:
    """Names of one statement against the catalogue; a table reference is known by its node.

    What was found for a node is kept: the tree stays as it is meanwhile.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._relations: dict[int, Relation | None] = {}
        self._columns: dict[int, tuple[exp.Table, str] | None] = {}
        self._below_scopes: Reached = {}
        self._ctes: dict[int, exp.Expr | None] = {}

    def relation(self, node: exp.Table) -> Relation | None:
        """The table behind a reference; None for a CTE, a function or an unknown name."""
        if id(node) not in self._relations:
            known = None
            if isinstance(node.this, exp.Identifier) and self._cte(node) is None:
                schema = name_of(node.args.get("db")) or None
                name = name_of(node.this)
                known = self._catalog.relation(Table(schema, name, _alias(node)))
            self._relations[id(node)] = known
        return self._relations[id(node)]

    def column(self, node: exp.Column) -> tuple[exp.Table, str] | None:
        """The table reference and the column that a node stands for; None when it is no table's."""
        if id(node) not in self._columns:
            self._columns[id(node)] = self._column(node)
        return self._columns[id(node)]

    def _column(self, node: exp.Column) -> tuple[exp.Table, str] | None:
        name, qualifier = name_of(node.this), name_of(node.args.get("table"))
        scope = topmost(node, lambda above: not isinstance(above, Scope), self._below_scopes).parent
        while scope is not None:
            for source in sources(scope):
                if qualifier and _alias(source) != qualifier:
                    continue
                if found := self._in_source(source, name):
                    return found
                if qualifier:
                    return None
            scope = _around(scope)
        return None

    def _in_source(self, source: exp.Expr, name: str) -> tuple[exp.Table, str] | None:
        if isinstance(source, exp.Table):
            query = self._cte(source)
            if query is None:
                relation = self.relation(source)
                return (source, name) if relation is not None and name in relation.columns else None
            return self._in_query(query, name)
        inner = source.this
        if isinstance(source, exp.Lateral) and isinstance(inner, exp.Subquery):
            inner = inner.this
        return self._in_query(inner, name)

    def _in_query(self, query: exp.Expr | None, name: str) -> tuple[exp.Table, str] | None:
        if not isinstance(query, exp.Select) or any(
            query.args.get(k) for k in ("limit", "distinct", "group")
        ):
            return None
        for projection in query.expressions:
            if isinstance(projection, exp.Star):
                for source in sources(query):
                    if found := self._in_source(source, name):
                        return found
            inner = projection.unalias()
            if isinstance(inner, exp.Column) and name in (
                name_of(projection.args.get("alias")),
                name_of(inner.this) if inner is projection else "",
            ):
                return self.column(inner)
        return None

    def _cte(self, node: exp.Table) -> exp.Expr | None:
        if id(node) not in self._ctes:
            self._ctes[id(node)] = self._defined(node)
        return self._ctes[id(node)]

    def _defined(self, node: exp.Table) -> exp.Expr | None:
        if node.args.get("db"):
            return None
        name, ancestor = name_of(node.this), node.parent
        while ancestor is not None:
            clause: exp.Expr | None = ancestor.args.get("with_")
            for cte in clause.expressions if clause is not None else []:
                if _alias(cte) != name:
                    continue
                if node.find_ancestor(exp.CTE) is not cte:
                    return cte.this  # type: ignore[no-any-return]
                if clause is not None and clause.args.get("recursive"):
                    return exp.Null()
            ancestor = ancestor.parent
        return None


def _around(scope: exp.Expr) -> exp.Expr | None:
    """The scope that a subquery's names may mean next: none for a CTE, and in FROM only for a LATERAL."""
    inner, outer = scope, scope.parent
    while outer is not None and not isinstance(outer, Scope):
        if isinstance(outer, exp.CTE) or (
            isinstance(inner, exp.Subquery)
            and isinstance(outer, (exp.From, exp.Join))
            and outer.this is inner
        ):
            return None
        inner, outer = outer, outer.parent
    return outer


def sources(scope: exp.Expr) -> Iterator[exp.Expr]:
    """What a SELECT or DML node reads by itself: tables, subqueries and laterals, joins included."""
    heads = [scope.args.get("from_")]
    if not isinstance(scope, exp.Select):
        heads += [scope.args.get("this"), scope.args.get("using")]
    for head in heads:
        for item in head if isinstance(head, list) else [head]:
            if isinstance(item, exp.Expr):
                yield from _flat(item.this if isinstance(item, exp.From) else item)
    for item in [*scope.args.get("joins", []), *scope.args.get("laterals", [])]:
        yield from _flat(item.this if isinstance(item, exp.Join) else item)


def joins(scope: exp.Expr) -> Iterator[exp.Join]:
    """Every join of a node, nested ones too."""
    for join in scope.find_all(exp.Join):
        if join.find_ancestor(*Scope) is scope:
            yield join


def _flat(item: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(item, exp.Schema):
        item = item.this
    if isinstance(item, (exp.Subquery, exp.Paren)) and isinstance(item.this, (exp.Table, exp.Paren)):
        yield from _flat(item.this)
    elif isinstance(item, (exp.Table, exp.Subquery, exp.Lateral)):
        yield item
    for join in item.args.get("joins") or []:
        yield from _flat(join.this)


def _alias(node: exp.Expr) -> str:
    alias = node.args.get("alias")
    name = name_of(alias.this if isinstance(alias, exp.TableAlias) else alias)
    return name or (name_of(node.this) if isinstance(node, exp.Table) else "")
