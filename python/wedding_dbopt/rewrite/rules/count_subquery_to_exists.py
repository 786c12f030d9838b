"""Turn `(SELECT count(*) ...) > 0` into `EXISTS (SELECT ...)`, and `= 0` into `NOT EXISTS`.

Why: EXISTS stops at the first row and can become a semi join; a count reads them all.
Sound when: the subquery counts rows, or a NOT NULL column, without grouping, limit or a call that has side
effects, over tables; neither a count nor EXISTS is ever NULL.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import COMPARISONS, comparison, integer_of
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import has_only, in_filter, is_pure

NODE: tuple[type[exp.Expr], ...] = COMPARISONS
PROOF = "always"
LEVEL = "moderate"
SOME: tuple[tuple[type[exp.Expr], int], ...] = ((exp.GT, 0), (exp.GTE, 1), (exp.NEQ, 0))
NONE: tuple[tuple[type[exp.Expr], int], ...] = ((exp.EQ, 0), (exp.LT, 1), (exp.LTE, 0))


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the constraints it rests on (a NOT NULL where a column is counted), or None."""
    select = _counting(node)
    if select is None or not in_filter(node) or not is_pure(select):
        return None
    if not facts.reads_tables_only(select):
        return None
    counted = select.expressions[0].this
    if isinstance(counted, exp.Star) or integer_of(counted) is not None:
        return ()
    fact = facts.column(counted)
    return (fact.not_null_constraint,) if fact is not None and fact.not_null else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return EXISTS or NOT EXISTS over the same rows."""
    select = _counting(node)
    assert select is not None
    rows = select.copy()
    rows.set("expressions", [exp.Literal.number(1)])
    exists = exp.Exists(this=rows)
    return exists if _test(node) in SOME else exp.Not(this=exists)


def _test(node: exp.Expr) -> tuple[type[exp.Expr], int | None]:
    compared = comparison(node)
    assert compared is not None
    return compared.operator, integer_of(compared.constant)


def _counting(node: exp.Expr) -> exp.Expr | None:
    compared = comparison(node)
    if compared is None or (compared.operator, integer_of(compared.constant)) not in (*SOME, *NONE):
        return None
    select = compared.operand
    if not isinstance(select, exp.Select) or not has_only(select, "from_", "joins", "where"):
        return None
    if select.args.get("from_") is None or len(select.expressions) != 1:
        return None
    count = select.expressions[0]
    return select if type(count) is exp.Count and not count.expressions else None
