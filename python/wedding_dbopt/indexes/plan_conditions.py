"""The conditions a plan shows, as a statement: what views and row-level security add to the text.

EXPLAIN prints each filter with the columns of the table it scans. A view's own conditions and a policy's
appear only there, so a synthetic `SELECT` over the scanned tables with all those conditions is read like any
other.
"""

from __future__ import annotations

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from ..plan import Node, Plan
from ..query import Table
from .resolve import name_of
from .terms import qualified, quoted


def scanned(plan: Plan) -> list[Table]:
    """The tables that a plan reads."""
    return [
        Table(node.schema, node.relation, node.relation)
        for node in plan.scans()
        if node.schema and node.relation
    ]


def shown_conditions(plan: Plan) -> exp.Expr | None:
    """A SELECT over the plan's tables with its conditions and its sort order; None when it scans no table."""
    scans = {node.alias or node.relation: node for node in plan.scans()}
    if not scans:
        return None
    tables = [f"{_table(node)} AS {quoted(str(alias))}" for alias, node in scans.items()]
    only = next(iter(scans)) if len(scans) == 1 else None
    parts = [part for node in plan.walk() for part in _parts(node, only)]
    orders = [node.sort_key for node in plan.walk() if node.type in ("Sort", "Incremental Sort")]
    order = _readable(f"SELECT 1 ORDER BY {', '.join(orders[0])}") if len(orders) == 1 else None
    query = _readable(f"SELECT 1 FROM {', '.join(tables)}")
    if not isinstance(query, exp.Select):
        return None
    for part in parts:
        query.where(part, copy=False)
    if order is not None:
        query.set("order", order.args.get("order"))
    if any(node.type == "Limit" for node in plan.walk()):
        query.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    return query


def _parts(node: Node, only: str | None) -> list[exp.Expr]:
    alias = node.alias or node.relation or only
    texts = [node.filter, node.index_cond, node.recheck_cond, node.join_cond]
    texts += [child.index_cond for child in node.children if child.type == "Bitmap Index Scan"]
    found = []
    for text in dict.fromkeys(text for text in texts if text):
        parsed = _readable(f"SELECT 1 WHERE {text}")
        if parsed is None:
            continue
        condition = parsed.args["where"].this
        for column in condition.find_all(exp.Column):
            if alias and not column.args.get("table") and name_of(column.this):
                column.set("table", exp.to_identifier(alias, quoted=True))
        found.append(condition)
    return found


def _table(node: Node) -> str:
    return qualified(node.schema, str(node.relation)) if node.schema else quoted(str(node.relation))


def _readable(text: str) -> exp.Expr | None:
    """The parsed text; None for what only EXPLAIN prints (`SubPlan 1`)."""
    try:
        return parse_one(text, dialect="postgres")
    except SqlglotError:
        return None
