"""Turn DISTINCT over a join that only multiplies rows into EXISTS.

Why: The join makes every match, and DISTINCT throws all but one away; EXISTS stops at the first.
Sound when: the output holds a NOT NULL key of the kept table and no column of the other, which is joined inner; then
each kept row with a match comes exactly once.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.keys import key_constraints, output_columns
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import conditions_of, inner_sources, join_conditions, reads, reads_only
from wedding_dbopt.rewrite.templates import with_where

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the key where the rule applies, else None."""
    if not has_only(node, "distinct", "from_", "joins", "where", "order", "limit", "offset"):
        return None
    distinct, sources = node.args.get("distinct"), inner_sources(node)
    if (
        distinct is None
        or distinct.args.get("on")
        or sources is None
        or len(sources) != 2
        or not is_pure(node)
    ):
        return None
    kept, other = sources
    relation = facts.relation(kept)
    if relation is None or facts.relation(other) is None:
        return None
    read = [*node.expressions, *([node.args["order"]] if node.args.get("order") else [])]
    if not all(_reads_kept(part, facts, kept) for part in read):
        return None
    if any(reads(test, facts, [kept]) is None for test in (*conditions_of(node), *join_conditions(node))):
        return None
    return key_constraints(facts, relation, output_columns(node, kept, facts))


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the kept table with EXISTS."""
    sources = inner_sources(node)
    assert sources is not None
    kept, other = sources
    own = [test for test in conditions_of(node) if reads_only(test, facts, [kept])]
    rest = [test for test in conditions_of(node) if not reads_only(test, facts, [kept])]
    inner: exp.Expr = exp.Select(expressions=[exp.Literal.number(1)])
    inner.set("from_", exp.From(this=other.copy()))
    inner = with_where(inner, [*join_conditions(node), *rest])
    copy = with_where(node, [*own, exp.Exists(this=inner)])
    copy.set("distinct", None)
    copy.set("joins", None)
    return copy


def _reads_kept(part: exp.Expr, facts: Facts, kept: exp.Expr) -> bool:
    """Tell whether a part is of columns of the kept table alone, or its star."""
    if part.find(exp.Query, exp.Window):
        return False
    return reads_only(part, facts, [kept])
