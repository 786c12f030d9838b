"""Paging by the last row seen instead of by counting: OFFSET reads and throws away all rows before the page."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from wedding_dbopt.catalog import Relation
from wedding_dbopt.query import Query
from wedding_dbopt.rewrite.facts import Facts, only_source
from wedding_dbopt.rewrite.option import Option
from wedding_dbopt.rewrite.splice import parsed


def keyset(query: Query, facts: Facts, relation: Relation) -> Iterator[Option]:
    """Offer the form that begins behind the last row of the page before, for a statement with OFFSET."""
    tree = query.tree
    if tree.args.get("offset") is None or tree.args.get("order") is None:
        return
    form = _behind_last(tree, facts, relation, query.parameter_count)
    if form is None:
        return
    text, keys, moved = form
    places = ", ".join(f"${number} = {key}" for number, key in keys)
    anew = "".join(f" ${old} of the statement is ${new} here." for old, new in moved)
    yield Option(
        "keyset",
        text,
        f"The caller passes the last row of the page before ({places}) and not the number of a page, so it cannot jump "
        "to a page; rows that are added or removed meanwhile no longer shift the pages. Only the rows of the page are "
        f"read.{anew}",
    )


def next_page(text: str, facts: Facts) -> str | None:
    """The statement for the page behind the first one, which `text` asks for; None where the order forbids it."""
    tree = parsed(text)
    source = only_source(tree) if isinstance(tree, exp.Select) else None
    relation = facts.relation(source) if source is not None else None
    if tree is None or relation is None:
        return None
    numbers = [int(node.name) for node in tree.find_all(exp.Parameter) if node.name.isdigit()]
    form = _behind_last(tree, facts, relation, max(numbers, default=0))
    return form[0] if form else None


def _behind_last(
    tree: exp.Expr, facts: Facts, relation: Relation, parameters: int
) -> tuple[str, list[tuple[int, str]], list[tuple[int, int]]] | None:
    """The text, its sort keys with their parameters, and which parameters got another number.

    The keys have one direction, no NULLs, and are made unique by a key. What OFFSET asked for is gone.
    """
    if any(tree.args.get(clause) for clause in ("group", "having", "distinct", "windows")):
        return None
    ordered = tree.args["order"].expressions
    directions = {bool(item.args.get("desc")) for item in ordered}
    columns = [facts.column(item.this) for item in ordered]
    if len(directions) != 1 or any(fact is None or not fact.not_null for fact in columns):
        return None
    names = [fact.column.name for fact in columns if fact is not None]
    key = next((key for key in relation.unique_keys if relation.unique_on(key)), None)
    if key is None:
        return None
    copy = tree.copy()
    order = copy.args["order"]
    keys = [item.this.copy() for item in order.expressions]
    qualifier = keys[0].args.get("table")
    descending = directions.pop()
    if not relation.unique_on(names):
        for name in key:
            if name not in names:
                column = exp.column(
                    exp.to_identifier(name), qualifier.copy() if qualifier is not None else None
                )
                order.append("expressions", exp.Ordered(this=column, desc=descending, nulls_first=descending))
                keys.append(column.copy())
    values = [exp.Parameter(this=exp.Literal.number(parameters + n + 1)) for n in range(len(keys))]
    left = exp.Tuple(expressions=[key.copy() for key in keys]) if len(keys) > 1 else keys[0].copy()
    right = exp.Tuple(expressions=values) if len(keys) > 1 else values[0]
    test = (exp.LT if descending else exp.GT)(this=left, expression=right)
    where = copy.args.get("where")
    present = None if where is None else where.this
    if isinstance(present, exp.Or):
        present = exp.Paren(this=present)
    copy.set("where", exp.Where(this=test if present is None else exp.And(this=present, expression=test)))
    copy.set("offset", None)
    found = {int(node.name) for node in copy.find_all(exp.Parameter)}
    numbers = {old: new for new, old in enumerate(sorted(found), 1)}
    for node in list(copy.find_all(exp.Parameter)):
        node.set("this", exp.Literal.number(numbers[int(node.name)]))
    shown = [(numbers[parameters + n + 1], key.sql(dialect="postgres")) for n, key in enumerate(keys)]
    moved = [(old, new) for old, new in numbers.items() if old != new and old <= parameters]
    return copy.sql(dialect="postgres"), shown, moved
