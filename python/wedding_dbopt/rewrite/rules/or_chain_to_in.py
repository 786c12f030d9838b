"""Turn `x = 1 OR x = 2 OR x = 3` into `x IN (1, 2, 3)`.

Why: Before PostgreSQL 18 each alternative is planned and tested by itself; a list becomes one array test.
Sound when: x is the same table column each time and the constants are all plain integers or all plain
strings, so that they take the type they had; parameters stay, because their type could change.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import comparison, integer_of, text_of
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import in_filter
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Or,)
PROOF = "always"
LEVEL = "conservative"
GATE = "free"
PLANNER_DOES_IT_SINCE = 180000
SHORTEST = 3


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    if isinstance(node.parent, exp.Or) or not in_filter(node):
        return None
    group = _longest(node)
    return () if len(group) >= SHORTEST and facts.column(group[0][0]) is not None else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the list in the place of the first of its alternatives, the others behind it in their order."""
    group = _longest(node)
    column = group[0][0]
    constants = list(dict.fromkeys(constant for _, constant, _ in group))
    members = {id(member) for _, _, member in group}
    alternatives: list[exp.Expr] = []
    for operand in flattened(node, exp.Or):
        if operand is group[0][2]:
            listed = [constant.copy() for constant in constants]
            alternatives.append(exp.In(this=column.copy(), expressions=listed))
        elif id(operand) not in members:
            alternatives.append(operand.copy())
    whole = alternatives[0]
    for alternative in alternatives[1:]:
        whole = exp.Or(this=whole, expression=alternative)
    return whole


def _longest(node: exp.Expr) -> list[tuple[exp.Expr, exp.Expr, exp.Expr]]:
    """Return column, constant and alternative of the largest group over one column and kind of constant."""
    groups: dict[tuple[exp.Expr, bool], list[tuple[exp.Expr, exp.Expr, exp.Expr]]] = {}
    for operand in flattened(node, exp.Or):
        compared = comparison(operand.unnest())
        if (
            compared is None
            or compared.operator is not exp.EQ
            or not isinstance(compared.operand, exp.Column)
        ):
            continue
        is_text = text_of(compared.constant) is not None
        if is_text or integer_of(compared.constant) is not None:
            member = (compared.operand, compared.constant, operand)
            groups.setdefault((compared.operand, is_text), []).append(member)
    return max(groups.values(), key=len, default=[])
