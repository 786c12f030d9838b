"""Drop DISTINCT where the output holds a key of the only table.

Why: The rows differ already; the sort or hash that removes duplicates finds none.
Sound when: the SELECT reads one table without grouping, and its output holds all columns of an immediate
unique index without a predicate, none of which can be NULL.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import Facts, alias_of, only_source
from wedding_dbopt.rewrite.positions import has_only, is_pure

NODE: tuple[type[exp.Expr], ...] = (exp.Distinct,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the unique index and the NOT NULL constraints where the rule applies, else None."""
    select = node.parent
    clauses = ("distinct", "from_", "where", "order", "limit", "offset", "with_")
    if not isinstance(select, exp.Select) or node.args.get("on") or node.expressions:
        return None
    source = only_source(select)
    relation = facts.relation(source) if source is not None else None
    if source is None or relation is None or not has_only(select, *clauses):
        return None
    if not all(is_pure(item) and not item.find(exp.Query) for item in select.expressions):
        return None
    output: set[str] = set()
    for item in select.expressions:
        column = item.unalias()
        if column.is_star and _stars(column, source):
            output |= set(relation.columns)
        fact = facts.column(column)
        if fact is not None and fact.source is source:
            output.add(fact.column.name)
    index = facts.unique_index(relation, output)
    if index is None:
        return None
    table = f"{relation.schema}.{relation.name}"
    return (f"{table} UNIQUE {index.name}", *(f"{table}.{column} NOT NULL" for column in index.columns))


def transform(node: exp.Expr, facts: Facts) -> None:
    """Return nothing: the word goes."""


def _stars(star: exp.Expr, source: exp.Table) -> bool:
    """Tell whether `*` or `name.*` means all columns of `source`."""
    qualifier = star.args.get("table")
    return qualifier is None or folded(qualifier) == folded(alias_of(source))
