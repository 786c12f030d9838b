"""Skip the rows of a deep OFFSET by key alone, and fetch whole rows for the page only.

Why: Each skipped row is fetched from the table; an index that has order and key is skipped through without it.
Sound when: the one table has a NOT NULL unique key, ORDER BY is of its own columns and holds the key, so that the
page is the same, and nothing in the list looks at other rows.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.constants import integer_of
from wedding_dbopt.rewrite.facts import Facts, alias_of, only_source
from wedding_dbopt.rewrite.joining import column, derived
from wedding_dbopt.rewrite.keys import key_constraints
from wedding_dbopt.rewrite.positions import has_only, is_pure, qualified
from wedding_dbopt.rewrite.scope import fresh_names, is_own_column

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "constraint"
LEVEL = "aggressive"
DEEP = 1000


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return the key where the rule applies, else None."""
    found = _key(node, facts)
    return None if found is None else found[1]


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT that joins the page's keys."""
    found, source = _key(node, facts), only_source(node)
    assert found is not None and source is not None
    name, *names = fresh_names(node, 1 + len(found[0]))
    page = node.copy()
    own = [qualified(term.this) for term in node.args["order"].expressions]
    keys = [next(term for term in own if term.name == key) for key in found[0]]
    page.set(
        "expressions",
        [exp.Alias(this=key.copy(), alias=exp.to_identifier(as_)) for key, as_ in zip(keys, names)],
    )
    copy = node.copy()
    for clause in ("where", "limit", "offset"):
        copy.set(clause, None)
    if any(isinstance(item, exp.Star) for item in node.expressions):
        star = exp.Column(this=exp.Star(), table=alias_of(source).copy())
        copy.set(
            "expressions", [star if isinstance(item, exp.Star) else item.copy() for item in node.expressions]
        )
    matches: exp.Expr | None = None
    for key, as_ in zip(keys, names):
        match = exp.EQ(this=key.copy(), expression=column(name, as_))
        matches = match if matches is None else exp.And(this=matches, expression=match)
    copy.set("joins", [exp.Join(this=derived(page, name), on=matches)])
    return copy


def _key(node: exp.Expr, facts: Facts) -> tuple[list[str], tuple[str, ...]] | None:
    """Return the columns of the key in ORDER BY and its constraints."""
    if not has_only(node, "from_", "where", "order", "limit", "offset") or not is_pure(node):
        return None
    offset, order, source = node.args.get("offset"), node.args.get("order"), only_source(node)
    if offset is None or order is None or source is None or not isinstance(node.args.get("limit"), exp.Limit):
        return None
    if (integer_of(offset.expression) or 0) < DEEP or any(item.find(exp.Window) for item in node.expressions):
        return None
    known = [facts.column(term.this) for term in order.expressions]
    if not all(fact is not None and fact.source is source for fact in known):
        return None
    if not all(is_own_column(term.this, node) for term in order.expressions):
        return None
    names = {fact.column.name for fact in known if fact is not None}
    put_out = [facts.column(item.unalias()) for item in node.expressions]
    if all(fact is not None and fact.column.name in names for fact in put_out):  # the index has it all
        return None
    relation = facts.relation(source)
    index = facts.unique_index(relation, names) if relation is not None else None
    proof = key_constraints(facts, relation, names) if relation is not None else None
    if index is None or proof is None:
        return None
    return [name for name in index.columns if name is not None], proof
