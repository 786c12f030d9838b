"""Add a source behind those that a SELECT has, and put other expressions in the place of parts of it."""

from __future__ import annotations

from sqlglot import exp


def can_join_more(select: exp.Expr, groups: bool = False) -> bool:
    """Tell whether one more source, with one row for each of theirs, may stand behind the others.

    No bare star, no locks; and no groups unless `groups` says that only WHERE reads the new source.
    """
    if select.args.get("locks"):
        return False
    if not groups and (select.args.get("group") or select.args.get("having") or has_own_aggregate(select)):
        return False
    if select.args.get("laterals") or any(isinstance(item, exp.Star) for item in select.expressions):
        return False
    joins = select.args.get("joins") or []
    sides = {str(join.args.get("side") or "") for join in joins}
    natural = any(join.args.get("method") or join.args.get("using") for join in joins)
    return not natural and sides <= {"", "LEFT"}


def has_own_aggregate(select: exp.Expr) -> bool:
    """Tell whether a SELECT aggregates its own rows: in its list, in HAVING or in ORDER BY, not in a subquery."""
    for clause in (*select.expressions, select.args.get("having"), select.args.get("order")):
        for aggregate in clause.find_all(exp.AggFunc) if clause is not None else ():
            if aggregate.find_ancestor(exp.Select) is select and not isinstance(aggregate.parent, exp.Window):
                window = aggregate.find_ancestor(exp.Window, exp.Select)
                if not isinstance(window, exp.Window):
                    return True
    return False


def with_source(select: exp.Expr, join: exp.Expr) -> None:
    """Add a join behind the sources of a SELECT, in place; commas before it become cross joins."""
    joins = list(select.args.get("joins") or [])
    for earlier in joins:
        if not any(earlier.args.get(key) for key in ("kind", "side", "method", "on", "using")):
            earlier.set("kind", "CROSS")
    select.set("joins", [*joins, join])


def lateral(query: exp.Expr, name: str, left: bool = False) -> exp.Join:
    """Return a join with one LATERAL subquery for each row."""
    source = exp.Lateral(
        this=exp.Subquery(this=query),
        view=False,
        outer=False,
        alias=exp.TableAlias(this=exp.to_identifier(name)),
    )
    return exp.Join(this=source, side="LEFT", on=exp.true()) if left else exp.Join(this=source, kind="CROSS")


def derived(query: exp.Expr, name: str) -> exp.Subquery:
    """Return a subquery of FROM."""
    return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(name)))


def place_in(copy: exp.Expr, part: exp.Expr) -> exp.Expr:
    """Return the node of a copy that stands where `part` stands in the original."""
    number = part.meta["number"]
    return next(node for node in copy.walk() if node.meta.get("number") == number and node == part)


def replace_value(copy: exp.Expr, part: exp.Expr, value: exp.Expr, name: str) -> None:
    """Put a value in the place of a part of the copy; an output column keeps the name it had."""
    place = place_in(copy, part)
    if place.parent is copy and place.arg_key == "expressions":
        value = exp.Alias(this=value, alias=exp.to_identifier(name, quoted=not is_plain_name(name)))
    place.replace(value)


def is_plain_name(name: str) -> bool:
    """Tell whether a name needs no quotes."""
    return name.isidentifier() and name.isascii() and name == name.lower()


def nearest_select(node: exp.Expr) -> exp.Select | None:
    """Return the SELECT in whose list or clause a node stands."""
    return node.find_ancestor(exp.Select)


def stands_in(node: exp.Expr, select: exp.Expr, *clauses: str) -> bool:
    """Tell whether a node stands in one of the clauses of a SELECT (not in FROM, and not in a join's ON)."""
    current = node
    while current.parent is not None and current.parent is not select:
        current = current.parent
    return current.parent is select and current.arg_key in clauses


def column(source: str, name: str) -> exp.Column:
    """Return a qualified column of made-up names."""
    return exp.column(exp.to_identifier(name), table=exp.to_identifier(source))


def outer_names_hidden(select: exp.Expr, names: set[str]) -> bool:
    """Tell whether a source inside `select` would hide one of the names from a reference put into it."""
    return any(
        source.alias_or_name.lower() in names
        for source in select.find_all(exp.Table, exp.Subquery, exp.Lateral)
    )
