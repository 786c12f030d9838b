"""Drop ORDER BY in a subquery whose rows only a count, sum, min, max or average reads.

Why: The sort is done for nothing.
Sound when: the subquery has no LIMIT, OFFSET, DISTINCT ON or lock, and the query outside only aggregates it by
functions that do not depend on the order, over columns that are not floating (their sums differ in the last bits);
the least and the greatest of equal values are written alike.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.decided import EXACT
from wedding_dbopt.rewrite.facts import Facts, is_identical
from wedding_dbopt.rewrite.positions import has_only

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "always"
LEVEL = "conservative"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    if not node.args.get("order") or any(node.args.get(key) for key in ("limit", "offset", "locks")):
        return None
    distinct = node.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        return None
    outer = _reader(node)
    if outer is None or not has_only(outer, "from_", "where", "group", "having", "order", "limit"):
        return None
    aggregates = [part for item in outer.expressions for part in item.find_all(exp.AggFunc)]
    others = [item for item in outer.expressions if not item.find(exp.AggFunc)]
    if not aggregates or (others and not outer.args.get("group")):
        return None
    return () if all(_is_free(aggregate, node, facts) for aggregate in aggregates) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the subquery without ORDER BY."""
    copy = node.copy()
    copy.set("order", None)
    return copy


def _reader(node: exp.Expr) -> exp.Expr | None:
    """Return the SELECT that has the subquery as its only source."""
    subquery = node.parent
    if not isinstance(subquery, exp.Subquery) or not isinstance(subquery.parent, exp.From):
        return None
    outer = subquery.parent.parent
    return outer if isinstance(outer, exp.Select) and not outer.args.get("joins") else None


def _is_free(aggregate: exp.Expr, inner: exp.Expr, facts: Facts) -> bool:
    if isinstance(aggregate, exp.Count):
        return True
    if isinstance(aggregate, (exp.Sum, exp.Avg, exp.Min, exp.Max)) and isinstance(aggregate.this, exp.Column):
        name = folded(aggregate.this.this)
        items = [item for item in inner.expressions if item.alias_or_name.lower() == name]
        fact = facts.column(items[0].unalias()) if len(items) == 1 else None
        if isinstance(aggregate, (exp.Min, exp.Max)):
            return fact is not None and is_identical(fact.column)
        return fact is not None and fact.column.type_oid in EXACT
    return False
