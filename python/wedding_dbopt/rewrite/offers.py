"""Changes that a person must decide on, because they change the result: offered, never applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from wedding_dbopt.catalog import Relation
from wedding_dbopt.classify import words
from wedding_dbopt.query import Query, folded, tokens
from wedding_dbopt.rewrite.facts import BOOLEAN, Facts, alias_of, only_source
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.splice import Span, parsed, span_of

MANY_ROWS = 1000
PAGE_ROWS = 100
VENDOR_WORDS = frozenset(("vendor", "supplier"))
ACTIVE_COLUMNS = ("is_active", "active")
VERIFIED_COLUMNS = ("is_verified", "verified")
_BEHIND_WHERE = frozenset(("group", "having", "window", "order", "limit", "offset", "fetch", "for"))


@dataclass(frozen=True)
class Option:
    """An offer: `kind` ("limit", "columns" or "active_vendors"), the text it leads to, and what changes."""

    kind: str
    text: str
    changes: str


def semantic_options(query: Query, facts: Facts) -> tuple[Option, ...]:
    """Return the offers for a SELECT over one table; none for any other statement."""
    tree = query.tree
    source = only_source(tree) if isinstance(tree, exp.Select) else None
    relation = facts.relation(source) if source is not None else None
    if source is None or relation is None:
        return ()
    return (
        *_limit(query, facts, source, relation),
        *_columns(query, relation),
        *_active_vendors(query, facts, source, relation),
    )


def _limit(query: Query, facts: Facts, source: exp.Table, relation: Relation) -> Iterator[Option]:
    """Offer a page where all rows of a large table may come, in an order that a unique key makes stable."""
    tree = query.tree
    if relation.rows < MANY_ROWS or not has_only(tree, "from_", "where", "order"):
        return
    if any(item.find(exp.AggFunc, exp.Query) or not is_pure(item) for item in tree.expressions):
        return
    key = next((key for key in relation.unique_keys if relation.unique_on(key)), None)
    if key is None or _finds_one_row(tree, facts, relation):
        return
    alias = alias_of(source).sql(dialect="postgres")
    stable = ", ".join(f"{alias}.{_quoted(name)}" for name in key)
    ordering = f", {stable}" if tree.args.get("order") else f" ORDER BY {stable}"
    text = f"{query.plannable}{ordering} LIMIT {PAGE_ROWS}"
    if parsed(text) is not None:
        yield Option(
            "limit",
            text,
            f"Only the first {PAGE_ROWS} rows come back of the about {relation.rows:.0f} in {relation.name}; "
            f"{stable} makes their order stable, so that a caller who asks for further pages neither repeats "
            "nor misses a row.",
        )


def _finds_one_row(tree: exp.Expr, facts: Facts, relation: Relation) -> bool:
    """Tell whether equalities fix a unique key."""
    where = tree.args.get("where")
    fixed = set()
    for test in where.find_all(exp.EQ) if where is not None else ():
        fact = facts.column(test.this)
        if fact is not None and fact.relation is relation:
            fixed.add(fact.column.name)
    return relation.unique_on(fixed)


def _columns(query: Query, relation: Relation) -> Iterator[Option]:
    """Offer the list of columns in the place of `*`, with the width of each."""
    stars = [item for item in query.tree.expressions if isinstance(item, exp.Star)]
    span = _span_of_star(stars[0]) if len(stars) == 1 and len(query.tree.expressions) == 1 else None
    if span is None:
        return
    names = ", ".join(_quoted(name) for name in relation.columns)
    text = query.plannable[: span.start] + names + query.plannable[span.end :]
    widths = {column.name: column.avg_width for column in relation.columns.values() if column.avg_width}
    widest = sorted(widths, key=lambda name: -widths[name])[:3]
    sizes = ", ".join(f"{name} {widths[name]}" for name in widest)
    if parsed(text) is not None:
        yield Option(
            "columns",
            text,
            "Strike out the columns that the caller does not read; they no longer come back, and columns "
            "added to the table later do not either."
            + (f" A row is about {sum(widths.values())} bytes wide; widest: {sizes}." if widths else ""),
        )


def _span_of_star(star: exp.Expr) -> Span | None:
    if "start" not in star.meta:
        return None
    return Span(int(star.meta["start"]), int(star.meta["end"]) + 1)


def _active_vendors(query: Query, facts: Facts, source: exp.Table, relation: Relation) -> Iterator[Option]:
    """Offer to show only active and verified vendors where the statement asks about neither."""
    flags = {column.name for column in relation.columns.values() if column.type_oid == BOOLEAN}
    wanted = [
        next((name for name in names if name in flags), None) for names in (ACTIVE_COLUMNS, VERIFIED_COLUMNS)
    ]
    columns = [name for name in wanted if name is not None]
    if not VENDOR_WORDS & set(words(relation.name)) or len(columns) < len(wanted):
        return
    if any(folded(column.this) in columns for column in query.tree.find_all(exp.Column)):
        return
    alias = alias_of(source).sql(dialect="postgres")
    condition = " AND ".join(f"{alias}.{name}" for name in columns)
    text = _filtered(query, condition)
    if text is not None:
        yield Option(
            "active_vendors",
            text,
            f"Rows of {relation.name} that are not both {' and '.join(columns)} no longer come back.",
        )


def _filtered(query: Query, condition: str) -> str | None:
    """Return the text with one more condition in its WHERE."""
    text = query.plannable
    where = query.tree.args.get("where")
    if where is not None:
        span = span_of(text, where.this)
        if span is None:
            return None
        return f"{text[: span.start]}({text[span.start : span.end]}) AND {condition}{text[span.end :]}"
    depth = 0
    position = len(text)
    for token in tokens(text):
        word = text[token.start : token.end].lower()
        depth += (word == "(") - (word == ")")
        if depth == 0 and token.kind == "word" and word in _BEHIND_WHERE:
            position = token.start
            break
    whole = f"{text[:position].rstrip()} WHERE {condition} {text[position:]}".rstrip()
    return whole if parsed(whole) is not None else None


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql(dialect="postgres")
