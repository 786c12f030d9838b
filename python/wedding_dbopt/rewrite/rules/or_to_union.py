"""Turn `WHERE a.x = 1 OR b.y = 2` over joined tables into the UNION of one query for each alternative.

Why: No index serves an alternative that lies in another table; each branch of the UNION has its own.
Sound when: tables are joined inner, the output holds a unique NOT NULL key of every table (so that no row repeats),
nothing has side effects, and ORDER BY names output columns. Alternatives that join two tables stay together: that
UNION is slower than it looks to the planner.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.keys import comparable_output, keyed_output, numbered_order
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import columns_of, conditions_of, inner_sources
from wedding_dbopt.rewrite.templates import with_where
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"
MOST_BRANCHES = 4


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the keys where the rule applies, else None."""
    if not has_only(node, "from_", "joins", "where", "order", "limit", "offset") or not is_pure(node):
        return None
    if node.args.get("limit") and not node.args.get("order"):
        return None
    if isinstance(node.parent, exp.SetOperation) or _alternatives(node, facts) is None:
        return None
    if not comparable_output(node, facts) or numbered_order(node) is None:
        return None
    return keyed_output(node, facts)


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the UNION."""
    found = _alternatives(node, facts)
    assert found is not None
    condition, branches = found
    others = [part for part in conditions_of(node) if part is not condition]
    whole: exp.Expr | None = None
    for branch in branches:
        rows = with_where(node, [branch.unnest(), *others])
        for clause in ("order", "limit", "offset"):
            rows.set(clause, None)
        whole = rows if whole is None else exp.Union(this=whole, distinct=True, expression=rows)
    assert whole is not None
    for clause in ("limit", "offset"):
        if node.args.get(clause):
            whole.set(clause, node.args[clause].copy())
    if node.args.get("order"):
        whole.set("order", numbered_order(node))
    return whole


def _alternatives(node: exp.Expr, facts: Facts) -> tuple[exp.Expr, list[exp.Expr]] | None:
    sources = inner_sources(node)
    if sources is None:
        return None
    own = {id(source) for source in sources}
    for condition in conditions_of(node):
        branches = flattened(condition, exp.Or) if isinstance(condition, exp.Or) else []
        if not 2 <= len(branches) <= MOST_BRANCHES:
            continue
        read = [_own_sources(branch, facts, own) for branch in branches]
        spread = {source for group in read if group is not None for source in group}
        subqueries = any(branch.find(exp.Query) for branch in branches)
        if all(group is not None and len(group) == 1 for group in read) and (len(spread) > 1 or subqueries):
            return condition, branches
    return None


def _own_sources(branch: exp.Expr, facts: Facts, own: set[int]) -> set[int] | None:
    owners = [facts.owner(column) for column in columns_of(branch)]
    if any(owner is None for owner in owners):
        return None
    return {id(owner[1]) for owner in owners if owner is not None and id(owner[1]) in own}
