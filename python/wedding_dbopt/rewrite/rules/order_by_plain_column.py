"""Turn `ORDER BY COALESCE(x, constant)` into `ORDER BY x` where x is never NULL.

Why: An index on x can deliver the order, and a LIMIT then reads only its first rows.
Sound when: x is a NOT NULL column on no nullable side of an outer join, and the SELECT neither groups nor
removes duplicates, where the two forms must be written alike.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import can_be_qualified, qualified

NODE: tuple[type[exp.Expr], ...] = (exp.Coalesce,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the NOT NULL constraint where the rule applies, else None."""
    order = node.parent.parent if isinstance(node.parent, exp.Ordered) else None
    select = order.parent if isinstance(order, exp.Order) else None
    if not isinstance(select, exp.Select) or select.args.get("distinct") or select.args.get("group"):
        return None
    if any(True for _ in select.find_all(exp.AggFunc)) or not _constants(node.expressions):
        return None
    fact = facts.column(node.this)
    if fact is None or not fact.not_null or not can_be_qualified(node.this, fact):
        return None
    return (fact.not_null_constraint,)


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the column, qualified: a bare name would mean an output column first."""
    return qualified(node.this)


def _constants(nodes: list[exp.Expr]) -> bool:
    return all(isinstance(node, (exp.Literal, exp.Boolean, exp.Null)) for node in nodes)
