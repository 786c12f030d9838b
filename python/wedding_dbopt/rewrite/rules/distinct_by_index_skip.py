"""Turn `SELECT DISTINCT x FROM t` into a recursive walk over the index: each step finds the next larger x.

Why: DISTINCT reads the whole table; with few values the walk needs one probe for each.
Sound when: x is NOT NULL, an index begins with it, its collation is deterministic, and statistics say that it has few
values.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import (
    BIGINT,
    DATE,
    INTEGER,
    SMALLINT,
    TEXT,
    VARCHAR,
    ColumnFact,
    Facts,
    only_source,
)
from wedding_dbopt.rewrite.keys import numbered_order
from wedding_dbopt.rewrite.parents import named_as
from wedding_dbopt.rewrite.positions import has_only, qualified
from wedding_dbopt.rewrite.scope import fresh_names
from wedding_dbopt.rewrite.templates import statement

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"
TYPES = (SMALLINT, INTEGER, BIGINT, TEXT, VARCHAR, DATE)
MOST_VALUES = 1000


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the NOT NULL constraint where the rule applies, else None."""
    distinct = node.args.get("distinct")
    if distinct is None or distinct.args.get("on") or len(node.expressions) != 1:
        return None
    if not has_only(node, "distinct", "from_", "order", "limit") or numbered_order(node) is None:
        return None
    fact = facts.column(node.expressions[0].unalias())
    if (
        fact is None
        or not fact.not_null
        or not fact.column.deterministic
        or fact.column.type_oid not in TYPES
    ):
        return None
    few = _values(fact) <= MOST_VALUES and not 0 <= fact.relation.rows < 50 * _values(fact)
    if only_source(node) is None or facts.serves(fact.relation, fact.column.name) is None or not few:
        return None
    return (fact.not_null_constraint,)


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the walk."""
    item = node.expressions[0]
    source = only_source(node)
    assert source is not None
    walk, value = fresh_names(node, 2)
    whole = statement(
        "WITH RECURSIVE _walk_ AS ((SELECT _x_ AS _value_ FROM _t_ ORDER BY _x_ LIMIT 1) UNION ALL "
        "SELECT (SELECT _x_ FROM _t_ WHERE _x_ > _walk_._value_ ORDER BY _x_ LIMIT 1) AS _value_ FROM _walk_ "
        "WHERE NOT _walk_._value_ IS NULL) SELECT _walk_._value_ AS _name_ FROM _walk_ WHERE NOT _walk_._value_ IS NULL",
        x=qualified(item.unalias()),
        t=source,
        walk=walk,
        value=value,
    )
    whole.set("expressions", [named_as(whole.expressions[0].this, item, item.unalias().name)])
    if node.args.get("order"):
        whole.set("order", numbered_order(node))
    if node.args.get("limit"):
        whole.set("limit", node.args["limit"].copy())
    return whole


def _values(fact: ColumnFact) -> float:
    """Return how many values the statistics say there are."""
    found = fact.column.n_distinct
    if found is None or found == 0:
        return MOST_VALUES + 1.0
    return found if found > 0 else -found * max(fact.relation.rows, 1)
