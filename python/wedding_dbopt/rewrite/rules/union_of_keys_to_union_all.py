"""Turn UNION into UNION ALL where no row can come twice.

Why: Finding duplicates sorts or hashes all rows.
Sound when: each side's output holds a NOT NULL key of its tables, so that no row repeats inside it, and a column is
compared with different constants on the two sides, or a constant of the list differs, so that none repeats across.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import INTEGER_RANGES, TEXT, VARCHAR, Facts
from wedding_dbopt.rewrite.keys import keyed_output
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import conditions_of

NODE: tuple[type[exp.Expr], ...] = (exp.Union,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the keys where the rule applies, else None."""
    left, right = node.this, node.expression
    if not node.args.get("distinct") or isinstance(node.parent, exp.SetOperation):
        return None
    for side in (left, right):
        if (
            not isinstance(side, exp.Select)
            or not has_only(side, "from_", "joins", "where")
            or not is_pure(side)
        ):
            return None
    if len(left.expressions) != len(right.expressions) or not _are_disjoint(left, right, facts):
        return None
    first, second = keyed_output(left, facts), keyed_output(right, facts)
    return None if first is None or second is None else tuple(dict.fromkeys((*first, *second)))


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the UNION ALL."""
    copy = node.copy()
    copy.set("distinct", False)
    return copy


def _are_disjoint(left: exp.Expr, right: exp.Expr, facts: Facts) -> bool:
    for first, second in zip(left.expressions, right.expressions):
        a, b = _value(first.unalias(), left, facts), _value(second.unalias(), right, facts)
        if a is not None and b is not None and type(a) is type(b) and a != b:
            return True
    return False


def _value(item: exp.Expr, select: exp.Expr, facts: Facts) -> int | str | None:
    """Return the one value that an output column has: a constant, or what a condition fixes it to."""
    if isinstance(item, exp.Literal):
        return _constant(item)
    fact = facts.column(item)
    if fact is None or not fact.column.deterministic:
        return None
    kind = fact.column.type_oid
    for test in conditions_of(select):
        if type(test) is exp.EQ and test.this == item and isinstance(test.expression, exp.Literal):
            value = _constant(test.expression)
            wanted = int if kind in INTEGER_RANGES else str if kind in (TEXT, VARCHAR) else type(None)
            if isinstance(value, wanted):
                return value
    return None


def _constant(node: exp.Expr) -> int | str | None:
    if node.is_string:
        return str(node.this)
    return int(node.this) if str(node.this).isdigit() else None
