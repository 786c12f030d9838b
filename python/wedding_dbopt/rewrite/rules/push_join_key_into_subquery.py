"""Put the key of a join into the grouped, distinct or windowed subquery that is joined, by LATERAL.

Why: The subquery computes all its groups before the join looks at a few of them.
Sound when: the join is by equality, inner or left with the subquery on the right, of a column of the left with one
by which the subquery groups, makes distinct, or partitions every window; the filter then keeps whole groups, and the
condition of the join stays to decide. No aggregate depends on the order of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.query import folded
from wedding_dbopt.rewrite.decided import all_decided
from wedding_dbopt.rewrite.facts import Facts, alias_of, same_kind
from wedding_dbopt.rewrite.joining import has_own_aggregate, outer_names_hidden
from wedding_dbopt.rewrite.keys import group_terms
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import conditions_of, output_name
from wedding_dbopt.rewrite.templates import with_where
from wedding_dbopt.tree import flattened

NODE: tuple[type[exp.Expr], ...] = (exp.Join,)
PROOF = "always"
LEVEL = "aggressive"


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    return () if _found(node, facts) is not None else None


@dataclass(frozen=True)
class _Key:
    inner: exp.Expr
    outer: exp.Column


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the join with the LATERAL subquery."""
    keys = _found(node, facts)
    assert keys is not None
    subquery = node.this
    select = subquery.this
    tests = [exp.EQ(this=key.inner.copy(), expression=key.outer.copy()) for key in keys]
    rows = with_where(select, [*conditions_of(select), *tests])
    copy = node.copy()
    source = exp.Lateral(
        this=exp.Subquery(this=rows), view=False, outer=False, alias=subquery.args["alias"].copy()
    )
    copy.set("this", source)
    return copy


def _found(node: exp.Expr, facts: Facts) -> list[_Key] | None:
    subquery, test = node.this, node.args.get("on")
    if (
        not isinstance(subquery, exp.Subquery)
        or test is None
        or node.args.get("side") not in (None, "", "LEFT")
    ):
        return None
    select, alias = subquery.this, subquery.args.get("alias")
    if (
        not isinstance(select, exp.Select)
        or alias is None
        or alias.args.get("columns")
        or not is_pure(select)
        or not all_decided(select, facts)
    ):
        return None
    if not has_only(select, "from_", "joins", "where", "group", "having", "distinct", "windows"):
        return None
    keys = [
        key
        for part in flattened(test, exp.And)
        if (key := _key(part.unnest(), subquery, folded(alias.this), node, facts)) is not None
    ]
    return keys or None


def _key(test: exp.Expr, subquery: exp.Expr, alias: str, join: exp.Expr, facts: Facts) -> _Key | None:
    if type(test) is not exp.EQ:
        return None
    for own, other in ((test.this, test.expression), (test.expression, test.this)):
        if (
            not isinstance(own, exp.Column)
            or own.args.get("db")
            or not own.args.get("table")
            or folded(own.args["table"]) != alias
        ):
            continue
        outer = facts.column(other)
        inner = _grouped(subquery.this, folded(own.this), facts)
        fact = facts.column(inner) if inner is not None else None
        if outer is None or fact is None or inner is None or not same_kind(outer, fact):
            continue
        if not other.args.get("table") or not _is_left_of(outer.source, join):
            continue
        if not outer_names_hidden(subquery.this, {folded(alias_of(outer.source))}):
            return _Key(inner, other)
    return None


def _is_left_of(source: exp.Expr, join: exp.Expr) -> bool:
    select = join.parent
    if not isinstance(select, exp.Select):
        return False
    joins = select.args.get("joins") or []
    before = joins[: next(number for number, other in enumerate(joins) if other is join)]
    if any(str(other.args.get("side") or "") in ("RIGHT", "FULL") for other in joins):
        return False
    start = select.args.get("from_")
    return start is not None and any(
        source is item for item in (start.this, *(other.this for other in before))
    )


def _grouped(select: exp.Expr, name: str, facts: Facts) -> exp.Expr | None:
    """Return the column behind an output name, if filtering by it keeps or drops whole groups."""
    found = [item for item in select.expressions if (output_name(item) or "") == name]
    windows = [w for item in select.expressions for w in item.find_all(exp.Window)]
    column: exp.Expr | None = None
    if len(found) == 1:
        column = found[0].unalias()
    elif any(item.is_star for item in select.expressions):  # it may stand behind a star
        terms = [*group_terms(select), *(windows[0].args.get("partition_by") or [] if windows else [])]
        column = next(
            (term for term in terms if isinstance(term, exp.Column) and folded(term.this) == name), None
        )
    if not isinstance(column, exp.Column) or isinstance(column.this, exp.Star):
        return None
    group, distinct = select.args.get("group"), select.args.get("distinct")
    if select.args.get("windows") or any(w.args.get("alias") for w in windows):
        return None
    if group is None and has_own_aggregate(select):
        return None
    if group is not None and not _among(column, group_terms(select), facts):
        return None
    if not all(_among(column, window.args.get("partition_by") or [], facts) for window in windows):
        return None
    if distinct is not None and distinct.args.get("on"):
        on = distinct.args["on"]
        if not _among(column, on.expressions if isinstance(on, exp.Tuple) else [on.unnest()], facts):
            return None
    return column if group is not None or windows or distinct is not None else None


def _among(column: exp.Expr, terms: list[exp.Expr], facts: Facts) -> bool:
    """Tell whether one of the terms is the same column."""
    wanted = facts.column(column)
    known = [facts.column(term) for term in terms]
    return wanted is not None and any(
        fact is not None and fact.source is wanted.source and fact.column.name == wanted.column.name
        for fact in known
    )
