"""Turn `SELECT a FROM t INTERSECT SELECT b FROM u` into a semi join, and EXCEPT into an anti join.

Why: INTERSECT and EXCEPT read and hash both sides whole; the joins stop at the first match and use indexes.
Sound when: both sides put out one column, of one type and collation, that is NOT NULL on both; DISTINCT stays, unless
the left column is a key.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import (
    BIGINT,
    DATE,
    INTEGER,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    VARCHAR,
    Facts,
    alias_of,
    only_source,
    same_kind,
    source_aliases,
)
from wedding_dbopt.rewrite.keys import key_constraints
from wedding_dbopt.rewrite.positions import has_only, is_pure, qualified
from wedding_dbopt.rewrite.scope import columns_of, conditions_of, fresh_name, reads_only
from wedding_dbopt.rewrite.templates import with_where

NODE: tuple[type[exp.Expr], ...] = (exp.Intersect, exp.Except)
PROOF = "constraint"
LEVEL = "aggressive"
# Equal numerics may be written in two ways, and which one a set operation keeps is not known.
TYPES = (SMALLINT, INTEGER, BIGINT, TEXT, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, UUID)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the NOT NULL constraints (and the key) where the rule applies, else None."""
    left, right = node.this, node.expression
    if not node.args.get("distinct") or isinstance(node.parent, exp.SetOperation):
        return None
    if any(value for key, value in node.args.items() if key not in ("this", "expression", "distinct")):
        return None
    if not _is_simple(left, facts) or not _is_simple(right, facts):
        return None
    x, y = facts.column(left.expressions[0].unalias()), facts.column(right.expressions[0].unalias())
    if x is None or y is None or not x.not_null or not y.not_null or not same_kind(x, y):
        return None
    if x.column.type_oid not in TYPES:
        return None
    key = key_constraints(facts, x.relation, {x.column.name})
    return (x.not_null_constraint, y.not_null_constraint, *(key or ()))


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the left side with EXISTS or NOT EXISTS of the right one."""
    left, right = node.this, node.expression
    x = facts.column(left.expressions[0].unalias())
    source = only_source(right)
    assert x is not None and source is not None
    name = fresh_name(node)
    rows = with_where(right, conditions_of(right))
    rows.set("expressions", [exp.Literal.number(1)])
    rows.set("distinct", None)
    inner = right.expressions[0].unalias().copy()
    for column in (*columns_of(rows), inner):
        column.set("table", exp.to_identifier(name))
    rows.args["from_"].this.set("alias", exp.TableAlias(this=exp.to_identifier(name)))
    outer = qualified(left.expressions[0].unalias())
    rows = with_where(rows, [*conditions_of(rows), exp.EQ(this=inner, expression=outer)])
    exists: exp.Expr = exp.Exists(this=rows)
    if isinstance(node, exp.Except):
        exists = exp.Not(this=exists)
    whole = with_where(left, [*conditions_of(left), exists])
    is_key = key_constraints(facts, x.relation, {x.column.name}) is not None
    whole.set("distinct", None if is_key else exp.Distinct())
    return whole


def _is_simple(select: exp.Expr, facts: Facts) -> bool:
    """Tell whether a side is one table with a filter, and one column of it."""
    if not isinstance(select, exp.Select) or not has_only(select, "from_", "where", "distinct"):
        return False
    source, distinct = only_source(select), select.args.get("distinct")
    if source is None or len(select.expressions) != 1 or (distinct is not None and distinct.args.get("on")):
        return False
    where = select.args.get("where")
    plain = where is None or (not where.find(exp.Query) and reads_only(where, facts, [source]))
    return plain and is_pure(select) and folded(alias_of(source)) in source_aliases(select)
