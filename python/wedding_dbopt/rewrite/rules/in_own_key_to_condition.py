"""Turn `id IN (SELECT id FROM the same table WHERE p)` into `p`.

Why: The subquery finds, for each row, the row itself.
Sound when: id is a NOT NULL unique key of the one table, which stands in the FROM of the same query, so that its name
means it there; p reads that table's columns only and has no side effects, and the statement changes nothing: a
concurrent change would be waited for in another way.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import ColumnFact, Facts, alias_of, enclosing_scope, only_source
from wedding_dbopt.rewrite.keys import key_constraints
from wedding_dbopt.rewrite.positions import decides_rows, has_only, is_pure
from wedding_dbopt.rewrite.scope import columns_of, reads_only

NODE: tuple[type[exp.Expr], ...] = (exp.In,)
PROOF = "constraint"
LEVEL = "moderate"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the constraints where the rule applies, else None."""
    select = _subquery(node)
    fact = facts.column(node.this)
    if select is None or fact is None or fact.nullable_side or not isinstance(node.root(), exp.Query):
        return None
    owner = facts.owner(node.this)
    if owner is None or owner[0] is not enclosing_scope(node):
        return None
    inner = facts.column(select.expressions[0])
    source = only_source(select)
    if inner is None or source is None or inner.relation.oid != fact.relation.oid or not decides_rows(node):
        return None
    if (
        inner.column.name != fact.column.name
        or fact.relation.row_security
        or not _is_plain(select, facts, source)
    ):
        return None
    return key_constraints(facts, fact.relation, {fact.column.name})


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the condition, about the row itself."""
    select, fact = _subquery(node), facts.column(node.this)
    assert select is not None and fact is not None
    test: exp.Expr = exp.Paren(this=select.args["where"].this.copy())
    for column in columns_of(test):
        column.set("table", alias_of(fact.source).copy())
    return test


def _subquery(node: exp.Expr) -> exp.Expr | None:
    query = node.args.get("query")
    select = query.this if isinstance(query, exp.Subquery) else None
    if not isinstance(select, exp.Select) or not has_only(select, "from_", "where"):
        return None
    return select if len(select.expressions) == 1 and select.args.get("where") and is_pure(select) else None


def _is_plain(select: exp.Expr, facts: Facts, source: exp.Expr) -> bool:
    where = select.args["where"]
    return not where.find(exp.Query) and reads_only(where, facts, [source]) and bool(_known(where, facts))


def _known(where: exp.Expr, facts: Facts) -> list[ColumnFact]:
    found = [facts.column(column) for column in columns_of(where)]
    return [fact for fact in found if fact is not None] if all(found) else []
