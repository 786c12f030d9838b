"""Take the first rows of the left table before the LEFT JOINs, not behind them.

Why: Joining and sorting everything, to show a page of it, takes the time of everything.
Sound when: every join is LEFT and finds at most one row (it equates a NOT NULL unique key of the right table), ORDER
BY names columns of the left table alone, and no condition reads the right tables.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts, alias_of, same_kind
from wedding_dbopt.rewrite.keys import key_constraints
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import columns_of, conditions_of, is_own_column, reads_only
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the keys where the rule applies, else None."""
    if not has_only(node, "from_", "joins", "where", "order", "limit", "offset") or not is_pure(node):
        return None
    order, limit, joins = node.args.get("order"), node.args.get("limit"), node.args.get("joins")
    left = node.args["from_"].this if node.args.get("from_") else None
    relation = facts.relation(left) if left is not None else None
    if order is None or not isinstance(limit, exp.Limit) or not joins or relation is None or left is None:
        return None
    if not all(
        reads_only(term.this, facts, [left]) and is_own_column(term.this, node) for term in order.expressions
    ):
        return None
    if not all(reads_only(test, facts, [left]) for test in conditions_of(node)):
        return None
    if any(
        (item.is_star and not item.args.get("table")) or item.find(exp.Window) for item in node.expressions
    ):
        return None
    proofs = [_one_match(join, facts) for join in joins]
    if any(proof is None for proof in proofs) or not _all_known(node, facts):
        return None
    return tuple(dict.fromkeys(name for proof in proofs if proof is not None for name in proof))


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT over the page of the left table."""
    left = node.args["from_"].this
    page = exp.Select(expressions=[exp.Column(this=exp.Star(), table=alias_of(left).copy())])
    page.set("from_", exp.From(this=left.copy()))
    for clause in ("where", "order", "limit", "offset"):
        if node.args.get(clause):
            page.set(clause, node.args[clause].copy())
    copy = node.copy()
    source = exp.Subquery(this=page, alias=exp.TableAlias(this=alias_of(left).copy()))
    copy.set("from_", exp.From(this=source))
    for clause in ("where", "limit", "offset"):
        copy.set(clause, None)
    return copy


def _one_match(join: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Name the key by which a LEFT JOIN finds at most one row."""
    relation = facts.relation(join.this)
    if join.args.get("side") != "LEFT" or join.args.get("on") is None or relation is None:
        return None
    fixed: set[str] = set()
    for part in flattened(join.args["on"], exp.And):
        test = part.unnest()
        if type(test) is not exp.EQ:
            continue
        for own, other in ((test.this, test.expression), (test.expression, test.this)):
            fact, value = facts.column(own), facts.column(other)
            if (
                fact is not None
                and fact.source is join.this
                and value is not None
                and value.source is not join.this
                and same_kind(fact, value)
            ):
                fixed.add(fact.column.name)
    return key_constraints(facts, relation, fixed)


def _all_known(node: exp.Expr, facts: Facts) -> bool:
    """Tell whether every column of the list is surely one of a known table."""
    return all(facts.owner(column) is not None for item in node.expressions for column in columns_of(item))
