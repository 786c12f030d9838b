"""Conditions that leave rows out, `status <> 'void'` or `note NOT LIKE '%test%'`, as predicates of partial indexes.

No key finds what they keep. But an index of the rows they keep needs neither their column nor their evaluation: what
is counted beside them may then come from a narrow index alone. Where few rows are kept, such an index finds them.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from ..catalog import Catalog
from ..errors import stack_bound
from .conditions import Condition, Constant, Placed
from .resolve import Resolver
from .terms import bare, column_term, quoted

_MOST_VALUES = 5


def excluded(part: exp.Expr, resolver: Resolver) -> Placed | None:
    """The exclusion that one conjunct is, with its table reference; None for any other condition."""
    negated = isinstance(part, exp.Not) or bool(part.args.get("negate"))
    inner = part.this.unnest() if isinstance(part, exp.Not) else part
    if isinstance(inner, exp.NEQ) and not negated:
        return _placed(inner.this, "<>", [inner.expression], resolver)
    if isinstance(inner, exp.NullSafeNEQ) and not negated:
        return _placed(inner.this, "IS DISTINCT FROM", [inner.expression], resolver)
    if isinstance(inner, exp.Like) and negated:
        return _placed(inner.this, "NOT LIKE", [inner.expression], resolver)
    if isinstance(inner, exp.In) and negated and inner.args.get("query") is None:
        return _placed(inner.this, "NOT IN", inner.expressions, resolver)
    return None


def _placed(side: exp.Expr, operator: str, others: list[exp.Expr], resolver: Resolver) -> Placed | None:
    column, literals = bare(side), [_uncast(other) for other in others]
    found = resolver.column(column) if isinstance(column, exp.Column) else None
    if found is None or not 0 < len(literals) <= _MOST_VALUES:
        return None
    if not all(isinstance(literal, exp.Literal) for literal in literals):
        return None
    values: tuple[str | None, ...] = tuple(sorted({str(literal.this) for literal in literals}))
    if operator == "NOT LIKE" and not literals[0].is_string:
        return None
    written = [exp.Literal.string(str(value)).sql("postgres") for value in values]
    listed = f"({', '.join(written)})" if operator == "NOT IN" else written[0]
    # Which share a pattern leaves out nobody knows before a sample is read.
    known = () if operator == "NOT LIKE" else values if operator == "IS DISTINCT FROM" else (*values, None)
    constant = Constant((found[1],), f"{quoted(found[1])} {operator} {listed}", known, excludes=True)
    return found[0], Condition("excluded", column_term(found[1]), constant)


def _uncast(node: exp.Expr) -> exp.Expr:
    inner = node.unnest()
    return inner.this.unnest() if isinstance(inner, exp.Cast) else inner


@stack_bound
def written(tree: exp.Expr) -> str:
    """The statement's text as the parser writes it. Raises TooDeep."""
    return str(tree.sql("postgres"))


@stack_bound
def without(tree: exp.Expr, catalog: Catalog, conditions: Collection[str]) -> str | None:
    """The statement's text without these exclusions; None when it has none of them.

    An index over what they keep serves the statement as one of all rows serves it without them. Raises TooDeep.
    """
    copy = tree.copy()
    resolver = Resolver(catalog)
    gone = []
    for node in copy.find_all(exp.NEQ, exp.NullSafeNEQ, exp.Like, exp.In, exp.Not):
        placed = excluded(node, resolver)
        known = placed[1].constant if placed is not None else None
        if known is not None and known.condition in conditions:
            gone.append(node)
    for node in gone:
        node.replace(exp.true())
    return written(copy) if gone else None
