"""Turn `SELECT k, max(x) FROM t GROUP BY k` into one index probe for each row of the parent that k points at.

Why: Grouping reads the whole table; an index on (k, x) gives the last x of each k at once.
Sound when: k is NOT NULL with a validated foreign key to a key of the same type and collation whose equal
values are identical, without row-level security, so that
the parent has every group; x is NOT NULL; groups without rows vanish, as the probe finds nothing.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.correlated import AGGREGATES
from wedding_dbopt.rewrite.facts import (
    BIGINT,
    DATE,
    INTEGER,
    SMALLINT,
    TIMESTAMP,
    TIMESTAMPTZ,
    Facts,
    only_source,
)
from wedding_dbopt.rewrite.joining import column, lateral, with_source
from wedding_dbopt.rewrite.keys import group_terms
from wedding_dbopt.rewrite.parents import key_column, named_as, parent_of, table_node
from wedding_dbopt.rewrite.positions import has_only, is_pure, qualified
from wedding_dbopt.rewrite.scope import conditions_of, fresh_names, reads_only
from wedding_dbopt.rewrite.templates import with_where
from wedding_dbopt.rewrite.totality import is_total

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"
TYPES = (SMALLINT, INTEGER, BIGINT, DATE, TIMESTAMP, TIMESTAMPTZ)


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the constraints where the rule applies, else None."""
    if not has_only(node, "from_", "where", "group") or not is_pure(node):
        return None
    source, terms = only_source(node), group_terms(node)
    if source is None or len(terms) != 1 or len(node.expressions) != 2 or facts.relation(source) is None:
        return None
    if not all(reads_only(test, facts, [source]) and is_total(test) for test in conditions_of(node)):
        return None
    group = facts.column(terms[0])
    found, parts = parent_of(group, facts), _parts(node, terms[0])
    extreme = facts.column(parts[1].this) if parts is not None else None
    if (
        group is None
        or found is None
        or parts is None
        or extreme is None
        or extreme.column.type_oid not in TYPES
    ):
        return None
    served = facts.serves(group.relation, group.column.name, extreme.column.name)
    if not extreme.not_null or served is None:
        return None
    return (*found[2], extreme.not_null_constraint)


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the probes."""
    term = group_terms(node)[0]
    parts, found = _parts(node, term), parent_of(facts.column(term), facts)
    assert parts is not None and found is not None
    parent, key, _ = found
    outer, inner, value = fresh_names(node, 3)
    extreme = parts[1].this
    probe = with_where(
        node, [*conditions_of(node), exp.EQ(this=qualified(term), expression=key_column(outer, key))]
    )
    probe.set("group", None)
    probe.set("expressions", [exp.Alias(this=qualified(extreme), alias=exp.to_identifier(value))])
    last = isinstance(parts[1], exp.Max)
    ordered = exp.Ordered(this=qualified(extreme), desc=last, nulls_first=last)
    probe.set("order", exp.Order(expressions=[ordered]))
    probe.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    items = []
    for item in node.expressions:
        if item.unalias() == parts[1]:
            items.append(named_as(column(inner, value), item, AGGREGATES[type(parts[1])]))
        else:
            items.append(named_as(key_column(outer, key), item, parts[0].name))
    whole = exp.Select(expressions=items)
    whole.set("from_", exp.From(this=table_node(parent, outer)))
    with_source(whole, lateral(probe, inner))
    return whole


def _parts(node: exp.Expr, term: exp.Expr) -> tuple[exp.Expr, exp.Expr] | None:
    """Return the group's column and the aggregate of the list."""
    found = [item.unalias() for item in node.expressions]
    aggregates = [
        item for item in found if type(item) in (exp.Min, exp.Max) and isinstance(item.this, exp.Column)
    ]
    columns = [item for item in found if isinstance(item, exp.Column) and item == term]
    if len(aggregates) != 1 or len(columns) != 1 or not isinstance(columns[0].this, exp.Identifier):
        return None
    return columns[0], aggregates[0]
