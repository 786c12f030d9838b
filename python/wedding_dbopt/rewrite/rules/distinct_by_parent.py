"""Turn `SELECT DISTINCT k FROM t` into the rows of the parent that k points at which have a row in t.

Why: DISTINCT reads the whole table; the parent is small, and one index probe tells whether it has a row.
Sound when: k is NOT NULL with a validated foreign key to a key of the same type and collation whose equal
values are identical, without row-level security.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts, only_source
from wedding_dbopt.rewrite.keys import numbered_order
from wedding_dbopt.rewrite.parents import ROWS_FOR_EACH, key_column, named_as, parent_of, table_node
from wedding_dbopt.rewrite.positions import has_only, is_pure, qualified
from wedding_dbopt.rewrite.scope import conditions_of, fresh_name, reads_only
from wedding_dbopt.rewrite.templates import with_where
from wedding_dbopt.rewrite.totality import is_total

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the constraints where the rule applies, else None."""
    distinct = node.args.get("distinct")
    if distinct is None or distinct.args.get("on") or len(node.expressions) != 1 or not is_pure(node):
        return None
    source = only_source(node)
    fact = facts.column(node.expressions[0].unalias())
    found = parent_of(fact, facts)
    if not has_only(node, "distinct", "from_", "where", "order", "limit") or numbered_order(node) is None:
        return None
    if (
        source is None
        or fact is None
        or found is None
        or facts.serves(fact.relation, fact.column.name) is None
    ):
        return None
    if 0 <= fact.relation.rows < ROWS_FOR_EACH * found[0].rows:
        return None
    plain = all(reads_only(test, facts, [source]) and is_total(test) for test in conditions_of(node))
    return found[2] if plain else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the parents."""
    item = node.expressions[0]
    found = parent_of(facts.column(item.unalias()), facts)
    assert found is not None
    name = fresh_name(node)
    probe = with_where(
        node,
        [*conditions_of(node), exp.EQ(this=qualified(item.unalias()), expression=key_column(name, found[1]))],
    )
    for clause in ("distinct", "order", "limit"):
        probe.set(clause, None)
    probe.set("expressions", [exp.Literal.number(1)])
    whole = exp.Select(expressions=[named_as(key_column(name, found[1]), item, item.unalias().name)])
    whole.set("from_", exp.From(this=table_node(found[0], name)))
    whole.set("where", exp.Where(this=exp.Exists(this=probe)))
    if node.args.get("order"):
        whole.set("order", numbered_order(node))
    if node.args.get("limit"):
        whole.set("limit", node.args["limit"].copy())
    return whole
