"""Drop DISTINCT where the output holds a key of every table.

Why: The rows differ already; the sort or hash that removes duplicates finds none.
Sound when: the SELECT reads tables joined inner, without grouping, and its output holds, for each table, all columns
of an immediate unique index without a predicate, none of which can be NULL; a table joined on such a key of its own
to another one needs none in the output.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.keys import keyed_output
from wedding_dbopt.rewrite.positions import has_only, is_pure

NODE: tuple[type[exp.Expr], ...] = (exp.Distinct,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the unique index and the NOT NULL constraints where the rule applies, else None."""
    select = node.parent
    clauses = ("distinct", "from_", "joins", "where", "order", "limit", "offset", "with_")
    if not isinstance(select, exp.Select) or node.args.get("on") or node.expressions:
        return None
    if not has_only(select, *clauses):
        return None
    if not all(is_pure(item) and not item.find(exp.Query) for item in select.expressions):
        return None
    return keyed_output(select, facts)


def transform(node: exp.Expr, facts: Facts) -> None:
    """Return nothing: the word goes."""
