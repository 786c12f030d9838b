"""Read a table once where it is joined to itself on its key.

Why: The join finds, for each row, the row itself.
Sound when: both names mean one table without row-level security, joined inner by equality on the NOT NULL columns of
a unique key.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import Facts, alias_of
from wedding_dbopt.rewrite.keys import key_constraints
from wedding_dbopt.rewrite.scope import columns_of, conditions_of, inner_sources
from wedding_dbopt.rewrite.templates import with_where
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "moderate"
PLANNER_DOES_IT_SINCE = 180000


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the constraints where the rule applies, else None."""
    found = _found(node, facts)
    return None if found is None else found[2]


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT over one scan."""
    found = _found(node, facts)
    assert found is not None
    number, kept, _ = found
    dropped = folded(alias_of(node.args["joins"][number].this))
    ons = flattened(node.args["joins"][number].args["on"], exp.And)
    rest = [
        part.unnest()
        for part in ons
        if not _is_key_test(part.unnest(), facts, node.args["joins"][number].this)
    ]
    copy = with_where(node, [*conditions_of(node), *rest])
    joins = list(copy.args["joins"])
    del joins[number]
    copy.set("joins", joins)
    for column in columns_of(copy):
        qualifier = column.args.get("table")
        if qualifier is not None and folded(qualifier) == dropped:
            column.set("table", alias_of(kept).copy())
    return copy


def _found(node: exp.Expr, facts: Facts) -> tuple[int, exp.Table, tuple[str, ...]] | None:
    if inner_sources(node) is None or node.args.get("locks"):
        return None
    stars = [star for star in node.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]
    if any(stars) or any(not column.args.get("table") for column in columns_of(node)):
        return None
    for number, join in enumerate(node.args.get("joins") or []):
        relation = facts.relation(join.this)
        if relation is None or relation.row_security or relation.kind != "r" or join.args.get("on") is None:
            continue
        if _is_rebound(node, folded(alias_of(join.this))):
            continue
        other, columns = None, set()
        for part in flattened(join.args["on"], exp.And):
            if not _is_key_test(part.unnest(), facts, join.this):
                continue
            left, right = facts.column(part.unnest().this), facts.column(part.unnest().expression)
            assert left is not None and right is not None
            source = right.source if left.source is join.this else left.source
            if other is None or other is source:
                other = source
                columns.add(left.column.name)
        proof = key_constraints(facts, relation, columns) if other is not None else None
        if proof is not None and other is not None and not _is_rebound(node, folded(alias_of(other))):
            return number, other, proof
    return None


def _is_key_test(test: exp.Expr, facts: Facts, source: exp.Expr) -> bool:
    """Tell whether a test equates one NOT NULL column of the two scans."""
    if type(test) is not exp.EQ:
        return False
    left, right = facts.column(test.this), facts.column(test.expression)
    if (
        left is None
        or right is None
        or left.relation.oid != right.relation.oid
        or left.source is right.source
    ):
        return False
    return source in (left.source, right.source) and left.column.name == right.column.name and left.not_null


def _is_rebound(node: exp.Expr, alias: str) -> bool:
    """Tell whether a query inside gives the name to another source."""
    named = [source for source in node.find_all(exp.Table) if folded(alias_of(source)) == alias]
    return len(named) > 1
