"""Turn `EXISTS (... WHERE t.a = o.x OR t.b = o.x)` into `EXISTS (... t.a = o.x) OR EXISTS (... t.b = o.x)`.

Why: Alternatives of the correlation keep PostgreSQL from hashing the subquery: it scans the table for every row
outside. Each alternative by itself is hashed or probed. The planner's cost hides that at times, and at times the old
form finds its match early: so without a lower cost only measuring can choose it.
Sound when: the subquery has no side effects, groups or limits; EXISTS distributes over OR.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import has_only, in_filter, is_pure
from wedding_dbopt.rewrite.scope import conditions_of, inner_sources
from wedding_dbopt.rewrite.templates import any_of, with_where
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Exists,)
PROOF = "always"
LEVEL = "aggressive"
LARGE = 100


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    return () if in_filter(node) and _alternatives(node, facts) is not None else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the alternatives."""
    found = _alternatives(node, facts)
    assert found is not None
    condition, branches = found
    others = [part for part in conditions_of(node.this) if part is not condition]
    alternatives: list[exp.Expr] = []
    for branch in branches:
        rows = with_where(node.this, [*others, branch.unnest()])
        alternatives.append(exp.Exists(this=rows))
    return exp.Paren(this=any_of(alternatives))


def _alternatives(node: exp.Expr, facts: Facts) -> tuple[exp.Expr, list[exp.Expr]] | None:
    select = node.this
    if (
        not isinstance(select, exp.Select)
        or not has_only(select, "from_", "joins", "where")
        or not is_pure(select)
    ):
        return None
    sources = inner_sources(select)
    if sources is None or any(item.find(exp.AggFunc) for item in select.expressions):
        return None
    if not any(relation is not None and relation.rows > LARGE for relation in map(facts.relation, sources)):
        return None
    own = {id(source) for source in sources}
    for condition in conditions_of(select):
        branches = flattened(condition, exp.Or) if isinstance(condition, exp.Or) else []
        if branches and all(_is_correlated(branch.unnest(), facts, own) for branch in branches):
            return condition, branches
    return None


def _is_correlated(branch: exp.Expr, facts: Facts, own: set[int]) -> bool:
    """Tell whether a branch ties a column inside to one outside by equality."""
    for part in flattened(branch, exp.And):
        test = part.unnest()
        if type(test) is not exp.EQ:
            continue
        owners = [facts.column(side) for side in (test.this, test.expression)]
        inside = [fact is not None and id(fact.source) in own for fact in owners]
        if all(fact is not None for fact in owners) and sum(inside) == 1:
            return True
    return False
