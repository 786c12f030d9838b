"""Find the first row of each group by one index probe for each row of the parent, not by numbering all rows.

Why: `row_number() OVER (PARTITION BY k ORDER BY ...) = 1` sorts the whole table; an index on (k, ...) gives the first
row of each k at once.
Sound when: k is NOT NULL with a validated foreign key to a key of the same type and collation whose equal
values are identical, without row-level security, so that
the parent has every group; the order is total, because it ends with a key; and the test is row_number, not rank.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.constants import comparison, integer_of
from wedding_dbopt.rewrite.facts import Facts, alias_of, only_source
from wedding_dbopt.rewrite.joining import lateral, with_source
from wedding_dbopt.rewrite.keys import key_constraints
from wedding_dbopt.rewrite.parents import key_column, parent_of, table_node
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import conditions_of, fresh_name, reads_only
from wedding_dbopt.rewrite.templates import with_where
from wedding_dbopt.rewrite.totality import is_total

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"


@dataclass(frozen=True)
class _Numbered:
    subquery: exp.Expr
    window: exp.Expr
    term: exp.Expr
    constraints: tuple[str, ...]


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the constraints where the rule applies, else None."""
    found = _found(node, facts)
    return None if found is None else found.constraints


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT over the probes."""
    found = _found(node, facts)
    assert found is not None
    fact = facts.column(found.term)
    parent = parent_of(fact, facts)
    assert fact is not None and parent is not None
    name = fresh_name(node)
    inner = found.subquery.this
    term = found.term.copy()
    term.set("table", alias_of(fact.source).copy())
    probe = with_where(
        inner, [*conditions_of(inner), exp.EQ(this=term, expression=key_column(name, parent[1]))]
    )
    probe.set("order", found.window.args["order"].copy())
    probe.set("limit", exp.Limit(expression=exp.Literal.number(1)))
    for window in list(probe.find_all(exp.Window)):
        window.replace(exp.Cast(this=exp.Literal.number(1), to=exp.DataType.build("bigint")))
    alias = found.subquery.args["alias"]
    probes = exp.Select(expressions=[exp.Column(this=exp.Star(), table=alias.this.copy())])
    probes.set("from_", exp.From(this=table_node(parent[0], name)))
    with_source(probes, lateral(probe, found.subquery.alias))
    probes.args["joins"][-1].this.set("alias", alias.copy())
    copy = node.copy()
    copy.set("from_", exp.From(this=exp.Subquery(this=probes, alias=alias.copy())))
    return copy


def _found(node: exp.Expr, facts: Facts) -> _Numbered | None:
    start = node.args.get("from_")
    subquery = start.this if start is not None else None
    if not isinstance(subquery, exp.Subquery) or node.args.get("joins") or node.args.get("locks"):
        return None
    inner, alias = subquery.this, subquery.args.get("alias")
    if not isinstance(inner, exp.Select) or alias is None or alias.args.get("columns") or not is_pure(inner):
        return None
    if not has_only(inner, "from_", "where"):
        return None
    source = only_source(inner)
    windows = [(item, w) for item in inner.expressions for w in item.find_all(exp.Window)]
    if source is None or facts.relation(source) is None or len(windows) != 1:
        return None
    item, window = windows[0]
    if (
        not isinstance(item, exp.Alias)
        or item.this is not window
        or not _is_first(node, item, folded(alias.this))
    ):
        return None
    if not all(reads_only(test, facts, [source]) and is_total(test) for test in conditions_of(inner)):
        return None
    return _numbered(subquery, window, facts)


def _numbered(subquery: exp.Expr, window: exp.Expr, facts: Facts) -> _Numbered | None:
    terms, order = window.args.get("partition_by") or [], window.args.get("order")
    if (
        not isinstance(window.this, exp.RowNumber)
        or len(terms) != 1
        or order is None
        or window.args.get("spec")
    ):
        return None
    fact = facts.column(terms[0])
    parent = parent_of(fact, facts)
    if fact is None or parent is None:
        return None
    ordered = [facts.column(term.this) for term in order.expressions]
    names = {other.column.name for other in ordered if other is not None and other.source is fact.source}
    key = key_constraints(facts, fact.relation, names) if all(ordered) else None
    leading = ordered[0].column.name if ordered and ordered[0] is not None else ""
    if key is None or facts.serves(fact.relation, fact.column.name, leading) is None:
        return None
    return _Numbered(subquery, window, terms[0], (*parent[2], *key))


def _is_first(node: exp.Expr, item: exp.Expr, alias: str) -> bool:
    """Tell whether WHERE asks for number 1."""
    for test in conditions_of(node):
        compared = comparison(test)
        if (
            compared is None
            or integer_of(compared.constant) != 1
            or not isinstance(compared.operand, exp.Column)
        ):
            continue
        qualifier = compared.operand.args.get("table")
        named = folded(compared.operand.this) == folded(item.args["alias"])
        if (
            named
            and (qualifier is None or folded(qualifier) == alias)
            and compared.operator in (exp.EQ, exp.LTE)
        ):
            return True
    return False
