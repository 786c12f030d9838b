"""Turn `SELECT count(*) > 0 FROM ...` into `SELECT EXISTS (SELECT 1 FROM ...)`.

Why: EXISTS stops at the first row; a count reads them all.
Sound when: the query counts rows without grouping, limit or a call that has side effects; it always has one row, and
the output keeps its name.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import comparison, integer_of
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.rules.count_subquery_to_exists import NONE, SOME

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "always"
LEVEL = "moderate"
NAMELESS = "?column?"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    if not has_only(node, "from_", "joins", "where") or not node.args.get("from_") or not is_pure(node):
        return None
    return () if len(node.expressions) == 1 and _test(node.expressions[0]) is not None else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the query of EXISTS."""
    item = node.expressions[0]
    rows = node.copy()
    rows.set("expressions", [exp.Literal.number(1)])
    exists: exp.Expr = exp.Exists(this=rows)
    if _test(item) in NONE:
        exists = exp.Not(this=exists)
    named = isinstance(item, exp.Alias)
    alias = item.args["alias"].copy() if named else exp.to_identifier(NAMELESS, quoted=True)
    return exp.Select(expressions=[exp.Alias(this=exists, alias=alias)])


def _test(item: exp.Expr) -> tuple[type[exp.Expr], int | None] | None:
    compared = comparison(item.unalias())
    if compared is None or type(compared.operand) is not exp.Count or compared.operand.expressions:
        return None
    counted = compared.operand.this
    if not isinstance(counted, exp.Star) and integer_of(counted) is None:
        return None
    test = (compared.operator, integer_of(compared.constant))
    return test if test in (*SOME, *NONE) else None
