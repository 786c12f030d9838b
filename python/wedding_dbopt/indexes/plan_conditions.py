"""The conditions a plan shows, as a statement: what views and row-level security add to the text.

EXPLAIN prints each filter with the columns of the table it scans. A view's own conditions and a policy's
appear only there, so a synthetic `SELECT` over the scanned tables with all those conditions is read like any
other. The partitions of a table are all asked for the same, so the first that is scanned speaks for the table.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from ..catalog import Catalog
from ..plan import Node, Plan
from ..query import Table
from .resolve import name_of
from .terms import qualified, quoted

_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,"{}\\]+)')
_ARRAY = re.compile(rf"\{{(?:{_ELEMENT.pattern})(?:,(?:{_ELEMENT.pattern}))*\}}")


def scanned(plan: Plan) -> list[Table]:
    """The tables that a plan reads."""
    return [
        Table(node.schema, node.relation, node.relation)
        for node in plan.scans()
        if node.schema and node.relation
    ]


def shown_conditions(plan: Plan, catalog: Catalog, named: Collection[int] = ()) -> exp.Expr | None:
    """A SELECT over the plan's tables with its conditions and its sort order; None when it scans no table.

    `named` are the oids of tables that the statement itself names: a partition among them stands for itself.
    """
    aliases, spare = _aliases(plan, catalog, named)
    nodes = [node for node in plan.walk() if node.alias not in spare]
    scans = {node.alias or node.relation: node for node in plan.scans() if node.alias not in spare}
    if not scans:
        return None
    tables = [
        f"{_table(node, catalog if node.alias in aliases else None)} AS {quoted(aliases.get(str(alias), str(alias)))}"
        for alias, node in scans.items()
    ]
    only = next(iter(scans)) if len(scans) == 1 else None
    parts = [part for node in nodes for part in _parts(node, only)]
    orders = [node.sort_key for node in nodes if node.type in ("Sort", "Incremental Sort")]
    order = _readable(f"SELECT 1 ORDER BY {', '.join(orders[0])}") if len(orders) == 1 else None
    query = _readable(f"SELECT 1 FROM {', '.join(tables)}")
    if not isinstance(query, exp.Select):
        return None
    for part in parts:
        query.where(part, copy=False)
    if order is not None:
        query.set("order", order.args.get("order"))
    if any(node.type == "Limit" for node in nodes):
        query.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    for column in query.find_all(exp.Column):
        alias = aliases.get(name_of(column.args.get("table")))
        if alias is not None:
            column.set("table", exp.to_identifier(alias, quoted=True))
    return query


def _aliases(plan: Plan, catalog: Catalog, named: Collection[int]) -> tuple[dict[str, str], set[str]]:
    """One alias for all partitions under one reference (`b_1`, `b_2`, ... of `b`), and those that need not be read."""
    aliases: dict[str, str] = {}
    spare: set[str] = set()
    for node in plan.scans():
        whole = catalog.whole(node.schema, node.relation)
        part = catalog.relation(Table(node.schema, str(node.relation), ""))
        if whole is None or node.alias is None or (part is not None and part.oid in named):
            continue
        alias = f"{re.sub(r'_[0-9]+$', '', node.alias)} of {whole.oid}"
        if alias in aliases.values() and node.alias not in aliases:
            spare.add(node.alias)
        aliases[node.alias] = alias
    return aliases, spare


def _parts(node: Node, only: str | None) -> list[exp.Expr]:
    alias = node.alias or node.relation or only
    texts = [node.filter, node.index_cond, node.recheck_cond, node.join_cond]
    texts += [child.index_cond for child in node.children if child.type == "Bitmap Index Scan"]
    found = []
    for text in dict.fromkeys(text for text in texts if text):
        parsed = _readable(f"SELECT 1 WHERE {text}")
        if parsed is None:
            continue
        condition = parsed.args["where"].transform(_listed).this
        for column in condition.find_all(exp.Column):
            if alias and not column.args.get("table") and name_of(column.this):
                column.set("table", exp.to_identifier(alias, quoted=True))
        found.append(condition)
    return found


def _listed(node: exp.Expr) -> exp.Expr:
    """A comparison with an array of constants as the list that it was in the text."""
    if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
        values, negated = _elements(node.expression.this), False
    elif isinstance(node, exp.NEQ) and isinstance(node.expression, exp.Anonymous):
        said = node.expression
        values = _elements(said.expressions[0]) if said.name.upper() == "ALL" and said.expressions else None
        negated = True
    else:
        return node
    if values is None:
        return node
    listed = exp.In(this=node.this, expressions=[exp.Literal.string(value) for value in values])
    return exp.Not(this=listed) if negated else listed


def _elements(array: exp.Expr) -> list[str] | None:
    """The elements of an array's text; None for anything else, and where one is NULL."""
    inner = array.unnest()
    literal = inner.this if isinstance(inner, exp.Cast) else inner
    text = str(literal.this) if isinstance(literal, exp.Literal) else ""
    if not _ARRAY.fullmatch(text):
        return None
    found = [quoted.replace("\\", "") if quoted else plain for quoted, plain in _ELEMENT.findall(text[1:-1])]
    return None if "NULL" in found else found


def _table(node: Node, catalog: Catalog | None) -> str:
    whole = catalog.whole(node.schema, node.relation) if catalog is not None else None
    if whole is not None:
        return qualified(whole.schema, whole.name)
    return qualified(node.schema, str(node.relation)) if node.schema else quoted(str(node.relation))


def _readable(text: str) -> exp.Expr | None:
    """The parsed text; None for what only EXPLAIN prints (`SubPlan 1`)."""
    try:
        return parse_one(text, dialect="postgres")
    except SqlglotError:
        return None
