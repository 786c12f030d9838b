"""Turn the UNION of two filters of one table into one scan with OR.

Why: The table is read once, and no duplicates have to be found.
Sound when: both sides have the same list over the same table, the list holds a key of it (so that each row comes
once), and the filters have no side effects.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts, only_source
from wedding_dbopt.rewrite.keys import keyed_output
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import conditions_of
from wedding_dbopt.rewrite.templates import all_of, any_of, with_where

NODE: tuple[type[exp.Expr], ...] = (exp.Union,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the key where the rule applies, else None."""
    left, right = node.this, node.expression
    if (
        not node.args.get("distinct")
        or isinstance(node.parent, exp.SetOperation)
        or not _has_plain_order(node)
    ):
        return None
    for side in (left, right):
        if not isinstance(side, exp.Select) or not has_only(side, "from_", "where") or not is_pure(side):
            return None
        if only_source(side) is None or not conditions_of(side) or side.find(exp.Window):
            return None
    if left.expressions != right.expressions or left.args["from_"] != right.args["from_"]:
        return None
    return keyed_output(left, facts)


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the one scan."""
    sides = [all_of(conditions_of(side)) for side in (node.this, node.expression)]
    test = any_of([side for side in sides if side is not None])
    whole = with_where(node.this, [test])
    whole.set("where", exp.Where(this=test))
    for clause in ("order", "limit", "offset"):
        if node.args.get(clause):
            whole.set(clause, node.args[clause].copy())
    return whole


def _has_plain_order(node: exp.Expr) -> bool:
    """Tell whether only ORDER BY (of output columns, as a UNION must) and LIMIT follow."""
    known = ("this", "expression", "distinct", "order", "limit", "offset")
    if any(value for key, value in node.args.items() if key not in known):
        return False
    order = node.args.get("order")
    if order is None:
        return not node.args.get("limit") and not node.args.get("offset")
    return all(isinstance(term.this, (exp.Literal, exp.Column)) for term in order.expressions)
