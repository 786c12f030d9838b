"""Turn `to_tsvector('english', body) @@ query` into `search @@ query`.

Why: The stored column has its index, and nothing is parsed again for every row.
Sound when: search is a generated column of the same table whose expression is the very same call with the same
configuration; a variant with coalesce holds other rows.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.facts import TSVECTOR, Facts
from wedding_dbopt.rewrite.positions import in_filter
from wedding_dbopt.rewrite.splice import parsed

NODE: tuple[type[exp.Expr], ...] = (exp.MatchAgainst,)
PROOF = "constraint"
LEVEL = "moderate"
GATE = "free"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the generated column where the rule applies, else None."""
    name = _stored(node, facts) if in_filter(node) else None
    return None if name is None else (name[1],)


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the test of the stored column."""
    found = _stored(node, facts)
    assert found is not None
    copy = node.copy()
    copy.set("expressions", [found[0]])
    return copy


def _stored(node: exp.Expr, facts: Facts) -> tuple[exp.Expr, str] | None:
    """Return the stored column and its constraint's name."""
    vector = node.expressions[0].unnest() if len(node.expressions) == 1 else None
    columns = [] if vector is None else list(vector.find_all(exp.Column))
    known = [fact for fact in map(facts.column, columns) if fact is not None]
    if vector is None or not known or len(known) < len(columns):
        return None
    first = known[0]
    if any(fact.source is not first.source for fact in known):
        return None
    wanted = _normal(vector)
    for column in first.relation.columns.values():
        stored = parsed(column.expression, condition=True) if column.expression else None
        if column.type_oid == TSVECTOR and stored is not None and _normal(stored) == wanted:
            new = columns[0].copy()
            new.set("this", exp.to_identifier(column.name))
            table = f"{first.relation.schema}.{first.relation.name}"
            return new, f"{table}.{column.name} GENERATED ALWAYS AS ({column.expression})"
    return None


def _normal(node: exp.Expr) -> exp.Expr:
    """Return a call without the casts of its constants and the qualifiers of its columns."""
    holder = exp.Paren(this=node.copy())
    for column in list(holder.find_all(exp.Column)):
        column.replace(exp.column(exp.to_identifier(folded(column.this))))
    for cast in list(holder.find_all(exp.Cast)):
        if isinstance(cast.this, exp.Literal):
            cast.replace(cast.this)
    for paren in list(holder.this.find_all(exp.Paren)):
        paren.replace(paren.this)
    for call in holder.find_all(exp.Anonymous):
        call.set("this", str(call.this).lower())
    whole: exp.Expr = holder.this
    return whole
