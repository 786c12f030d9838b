"""Turn `x NOT IN (SELECT y ...)` into `NOT EXISTS (SELECT 1 ... AND y = x)`.

Why: NOT IN is a SubPlan that falls back to one scan per row when its list outgrows work_mem; NOT EXISTS is
an anti join.
Sound when: x and y are columns of one type and collation, neither can be NULL (by constraint, or y by an IS
NOT NULL in the subquery), and no name in the subquery hides the one of x.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import ColumnFact, Facts, source_aliases
from wedding_dbopt.rewrite.positions import can_be_qualified, has_only, in_filter, is_pure, qualified
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Not,)
PROOF = "constraint"
LEVEL = "aggressive"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the NOT NULL constraints where the rule applies, else None."""
    found = _parts(node)
    if found is None or not in_filter(node):
        return None
    outer, select = found
    inner = select.expressions[0]
    x, y = facts.column(outer), facts.column(inner)
    if x is None or y is None or not _same_kind(x, y) or not x.not_null:
        return None
    if not can_be_qualified(outer, x) or not can_be_qualified(inner, y):
        return None
    if not is_pure(select) or not facts.reads_tables_only(select):
        return None
    if y.source.find_ancestor(exp.Select) is not select:
        return None
    aliases = {alias for scope in select.find_all(exp.Select) for alias in source_aliases(scope)}
    if None in aliases or folded(qualified(outer).args["table"]) in aliases:
        return None
    if y.not_null:
        return (x.not_null_constraint, y.not_null_constraint)
    return (x.not_null_constraint,) if _filters_null(select, inner) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return NOT EXISTS with the comparison added to the subquery's WHERE."""
    found = _parts(node)
    assert found is not None
    outer, select = found
    matches = exp.EQ(this=qualified(select.expressions[0]), expression=qualified(outer))
    rows = select.copy()
    rows.set("expressions", [exp.Literal.number(1)])
    rows.set("distinct", None)
    where = rows.args.get("where")
    if where is None:
        rows.set("where", exp.Where(this=matches))
    else:
        present = where.this
        if isinstance(present, exp.Or):
            present = exp.Paren(this=present)
        where.set("this", exp.And(this=present, expression=matches))
    return exp.Not(this=exp.Exists(this=rows))


def _parts(node: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """Return x and the subquery."""
    test = node.this
    if not isinstance(test, exp.In) or not isinstance(test.args.get("query"), exp.Subquery):
        return None
    select = test.args["query"].this
    if not isinstance(select, exp.Select) or not has_only(select, "from_", "joins", "where", "distinct"):
        return None
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        return None
    simple = len(select.expressions) == 1 and isinstance(select.expressions[0], exp.Column)
    return (test.this, select) if simple and isinstance(test.this, exp.Column) else None


def _same_kind(x: ColumnFact, y: ColumnFact) -> bool:
    return (x.column.type_oid, x.column.collation) == (y.column.type_oid, y.column.collation)


def _filters_null(select: exp.Expr, inner: exp.Expr) -> bool:
    where = select.args.get("where")
    return where is not None and any(
        isinstance(condition, exp.Is)
        and condition.args.get("negate")
        and isinstance(condition.args["expression"], exp.Null)
        and condition.this == inner
        for condition in (operand.unnest() for operand in flattened(where.this, exp.And))
    )
