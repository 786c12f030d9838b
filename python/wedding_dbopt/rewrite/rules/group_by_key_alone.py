"""Group by a unique key alone where the list also holds other columns of its table.

Why: Every further column is hashed or compared for each row, and decides nothing. PostgreSQL sees that by itself only
for a primary key.
Sound when: the list holds all columns of a unique NOT NULL key; all rows of a group then have the same other columns,
of which min() takes the one value there is, in its own type; no name in ORDER BY is that of another output.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import (
    BIGINT,
    DATE,
    INTEGER,
    SMALLINT,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    ColumnFact,
    Facts,
)
from wedding_dbopt.rewrite.keys import group_terms, key_constraints
from wedding_dbopt.rewrite.parents import named_as
from wedding_dbopt.rewrite.scope import columns_of, inner_sources, is_own_column

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "moderate"
PLANNER_DOES_IT_SINCE = 180000
# Types of which min() returns the very same type.
TYPES = (SMALLINT, INTEGER, BIGINT, TEXT, DATE, TIMESTAMP, TIMESTAMPTZ)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the key where the rule applies, else None."""
    found = _found(node, facts)
    return None if found is None else found[1]


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT with fewer terms in GROUP BY."""
    found = _found(node, facts)
    assert found is not None
    dropped = found[0]
    copy = node.copy()
    terms = [term.copy() for term in group_terms(node) if not _among(term, dropped, facts)]
    copy.set("group", exp.Group(expressions=terms))
    numbers = {
        column.meta["number"]
        for column in columns_of(node)
        if _among(column, dropped, facts) and column.find_ancestor(exp.AggFunc, exp.Group) is None
    }
    for column in [part for part in columns_of(copy) if part.meta.get("number") in numbers]:
        if column.find_ancestor(exp.Group) is not None:
            continue
        value: exp.Expr = exp.Min(this=column.copy())
        if column.parent is copy and column.arg_key == "expressions":
            value = named_as(value, column, column.name)
        column.replace(value)
    return copy


def _found(node: exp.Expr, facts: Facts) -> tuple[list[ColumnFact], tuple[str, ...]] | None:
    terms = group_terms(node)
    known = [facts.column(term) for term in terms]
    if len(terms) < 2 or inner_sources(node) is None or node.find(exp.Window) or node.args.get("locks"):
        return None
    if any(item.find(exp.Query) for item in node.expressions) or node.args.get("distinct"):
        return None
    order = node.args.get("order")
    bare = [term.this for term in (order.expressions if order else []) if isinstance(term.this, exp.Column)]
    if not all(is_own_column(column, node) for column in bare):
        return None
    for fact in known:
        if fact is None or fact.nullable_side:
            continue
        own = [other for other in known if other is not None and other.source is fact.source]
        names = {other.column.name for other in own}
        index = facts.unique_index(fact.relation, names)
        proof = key_constraints(facts, fact.relation, names)
        if index is None or proof is None or _has_primary(fact, names):
            continue
        dropped = [other for other in own if other.column.name not in index.columns]
        if dropped and all(
            other.column.type_oid in TYPES and other.column.deterministic for other in dropped
        ):
            return dropped, proof
    return None


def _has_primary(fact: ColumnFact, names: set[str]) -> bool:
    """Tell whether the list holds the primary key, which PostgreSQL knows to use."""
    return any(index.primary and set(index.columns) <= names for index in fact.relation.indexes)


def _among(node: exp.Expr, wanted: list[ColumnFact], facts: Facts) -> bool:
    fact = facts.column(node)
    return fact is not None and any(
        fact.source is other.source and fact.column.name == other.column.name for other in wanted
    )
