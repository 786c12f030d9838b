"""Drop NULLS LAST or NULLS FIRST behind a column of ORDER BY that is never NULL.

Why: An index delivers the usual order of NULLs only; the other one is sorted, however small the LIMIT.
Sound when: the column is NOT NULL and on no nullable side of an outer join.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import can_be_qualified, qualified

NODE: tuple[type[exp.Expr], ...] = (exp.Ordered,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the NOT NULL constraint where the rule applies, else None."""
    select = node.parent.parent if isinstance(node.parent, exp.Order) else None
    if not isinstance(select, exp.Select) or _is_usual(node):
        return None
    if select.args.get("distinct") or select.args.get("group"):
        return None
    column = node.this
    fact = facts.column(column)
    if (
        fact is None
        or not fact.not_null
        or not (column.args.get("table") or _is_plain_output(column, select))
    ):
        return None
    return (fact.not_null_constraint,) if can_be_qualified(column, fact) else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the term with the usual order of NULLs."""
    copy = node.copy()
    copy.set("this", qualified(node.this))
    copy.set("nulls_first", bool(node.args.get("desc")))
    return copy


def _is_usual(node: exp.Expr) -> bool:
    return bool(node.args.get("nulls_first")) == bool(node.args.get("desc"))


def _is_plain_output(column: exp.Expr, select: exp.Expr) -> bool:
    """Tell whether a bare name means the table's column: no other output has that name."""
    return all(
        not isinstance(item, exp.Alias) or item.alias.lower() != column.name.lower() or item.this == column
        for item in select.expressions
    )
