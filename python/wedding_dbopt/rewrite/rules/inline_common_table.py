"""Put a common table expression into the places that read it, where WITH computes it whole.

Why: MATERIALIZED, or a second reference, keeps conditions outside from reaching the tables inside.
Sound when: it has no side effects, no locks, no limit and no order-dependent choice of rows, is not recursive, and
nothing that is computed outside or inside can fail on rows that the fence kept away.
"""

from __future__ import annotations

from sqlglot import exp

from wedding_dbopt.query import defining_cte, folded
from wedding_dbopt.rewrite.facts import Facts
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.scope import columns_of
from wedding_dbopt.rewrite.totality import is_total

NODE: tuple[type[exp.Expr], ...] = (exp.Select,)
PROOF = "always"
LEVEL = "aggressive"
MOST_PLACES = 4


def precondition(node: exp.Expr, facts: Facts) -> tuple[str, ...] | None:
    """Return () where the rule applies, else None."""
    return () if _found(node, facts) is not None else None


def transform(node: exp.Expr, facts: Facts) -> exp.Expr:
    """Return the SELECT with subqueries in the place of the name."""
    cte = _found(node, facts)
    assert cte is not None
    numbers = {place.meta["number"] for place in _places(node, cte)}
    copy = node.copy()
    for place in [part for part in copy.find_all(exp.Table) if part.meta.get("number") in numbers]:
        alias = place.args.get("alias") or exp.TableAlias(this=place.this.copy())
        place.replace(exp.Subquery(this=cte.this.copy(), alias=alias.copy()))
    rest = [other for other in copy.args["with_"].expressions if other.meta["number"] != cte.meta["number"]]
    if rest:
        copy.args["with_"].set("expressions", rest)
    else:
        copy.set("with_", None)
    return copy


def _found(node: exp.Expr, facts: Facts) -> exp.CTE | None:
    clause = node.args.get("with_")
    if clause is None or clause.args.get("recursive") or node.find(exp.Lock):
        return None
    names = [folded(cte.args["alias"].this) for cte in node.find_all(exp.CTE)]
    if len(set(names)) < len(names):
        return None
    for cte in clause.expressions:
        query, alias = cte.this, cte.args["alias"]
        if not isinstance(query, exp.Select) or alias.args.get("columns"):
            continue
        if not has_only(query, "from_", "joins", "where", "group", "having", "with_"):
            continue
        if query.find(exp.Window) or not _stands_alone(query, facts):
            continue
        if (
            query.args.get("with_")
            or not is_pure(query)
            or not _cannot_fail(node)
            or _reads_shadowed(query, names)
        ):
            continue
        places = _places(node, cte)
        fenced = cte.args.get("materialized") is True or len(places) > 1
        if fenced and cte.args.get("materialized") is not False and 1 <= len(places) <= MOST_PLACES:
            return (
                cte if all(_is_plain(place) for place in places) and not _is_floating(query, facts) else None
            )
    return None


def _places(node: exp.Expr, cte: exp.Expr) -> list[exp.Table]:
    return [
        table
        for table in node.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and defining_cte(table) is cte
    ]


def _stands_alone(query: exp.Expr, facts: Facts) -> bool:
    """Tell whether every name inside surely means a source inside."""
    inside = {id(source) for source in query.find_all(exp.Table, exp.Subquery, exp.Lateral)}
    owners = [facts.owner(column) for column in columns_of(query)]
    return all(owner is not None and id(owner[1]) in inside for owner in owners)


def _is_plain(place: exp.Table) -> bool:
    alias = place.args.get("alias")
    others = [key for key, value in place.args.items() if value and key not in ("this", "alias")]
    return not others and (alias is None or not alias.args.get("columns"))


def _cannot_fail(node: exp.Expr) -> bool:
    """Tell whether all conditions of the statement can be computed for any row."""
    return all(is_total(where.this) for where in node.find_all(exp.Where, exp.Having)) and all(
        join.args.get("on") is None or is_total(join.args["on"]) for join in node.find_all(exp.Join)
    )


def _reads_shadowed(query: exp.Expr, names: list[str]) -> bool:
    """Tell whether a table inside has the name of a common table: it could mean that one in another place."""
    return any(
        isinstance(table.this, exp.Identifier) and folded(table.this) in names and defining_cte(table) is None
        for table in query.find_all(exp.Table)
    )


def _is_floating(query: exp.Expr, facts: Facts) -> bool:
    """Tell whether an aggregate depends on the order of its rows: computed twice, it may differ."""
    for aggregate in query.find_all(exp.AggFunc):
        if isinstance(aggregate, exp.Count):
            continue
        if not isinstance(aggregate, (exp.Sum, exp.Min, exp.Max, exp.Avg)):
            return True
        fact = facts.column(aggregate.this)
        if fact is None or "double" in fact.column.type or fact.column.type == "real":
            return True
    return any(isinstance(call, exp.Anonymous) for call in query.find_all(exp.Anonymous))
