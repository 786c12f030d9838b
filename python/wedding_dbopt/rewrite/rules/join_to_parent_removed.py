"""Drop an inner join to a parent of which no column is used.

Why: The foreign key says that every row finds exactly one parent, so the join changes nothing.
Sound when: a validated foreign key that is not deferrable, on NOT NULL columns, points at the columns of the join, of the
same type and deterministic collation, no other condition or column names the parent, and no row-level security hides
parents.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import Facts, alias_of, same_kind
from wedding_dbopt.rewrite.scope import columns_of, inner_sources
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the constraints where the rule applies, else None."""
    found = _found(node, facts)
    return None if found is None else found[1]


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT without the join."""
    found = _found(node, facts)
    assert found is not None
    copy = node.copy()
    joins = list(copy.args["joins"])
    del joins[found[0]]
    copy.set("joins", joins)
    return copy


def _found(node: exp.Expr, facts: Facts) -> tuple[int, tuple[str, ...]] | None:
    if inner_sources(node) is None or node.args.get("locks") or _has_bare_star(node):
        return None
    for number, join in enumerate(node.args.get("joins") or []):
        if join.args.get("on") is None:
            continue
        proof = _proof(node, join, facts)
        if proof is not None:
            return number, proof
    return None


def _proof(node: exp.Expr, join: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    parent = facts.relation(join.this)
    if parent is None or parent.row_security or parent.kind not in ("r", "p") or parent.inherited:
        return None
    child, pairs = None, []
    for part in flattened(join.args["on"], exp.And):
        test = part.unnest()
        left, right = facts.column(test.this), facts.column(test.args.get("expression") or exp.Null())
        if type(test) is not exp.EQ or left is None or right is None:
            return None
        if left.source is join.this:
            left, right = right, left
        if (
            right.source is not join.this
            or not left.not_null
            or not same_kind(left, right)
            or (child is not None and child is not left.source)
        ):
            return None
        child = left.source
        pairs.append((left, right))
    if not pairs or _is_used(node, join, facts):
        return None
    relation = pairs[0][0].relation
    key = facts.foreign_key(relation, [left.column.name for left, _ in pairs], parent)
    if key is None or dict(zip(key.columns, key.referenced_columns)) != {
        left.column.name: right.column.name for left, right in pairs
    }:
        return None
    name = f"{relation.schema}.{relation.name} FOREIGN KEY {key.name}"
    return (name, *(left.not_null_constraint for left, _ in pairs))


def _is_used(node: exp.Expr, join: exp.Expr, facts: Facts) -> bool:
    """Tell whether anything but the join's own condition names the joined table."""
    alias = folded(alias_of(join.this))
    inside = {id(column) for column in columns_of(join.args["on"])}
    for column in columns_of(node):
        if id(column) in inside:
            continue
        qualifier = column.args.get("table")
        if qualifier is not None and folded(qualifier) == alias:
            return True
        owner = facts.owner(column)
        if owner is None and qualifier is None:
            return True
        if owner is not None and owner[1] is join.this:
            return True
    return False


def _has_bare_star(node: exp.Expr) -> bool:
    return any(not isinstance(star.parent, (exp.Column, exp.Count)) for star in node.find_all(exp.Star))
