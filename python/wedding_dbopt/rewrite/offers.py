"""Changes that a person must decide on, because they change the result: offered, never applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from wedding_dbopt.catalog import Relation
from wedding_dbopt.classify import words
from wedding_dbopt.query import Query, folded, tokens
from wedding_dbopt.rewrite.facts import BOOLEAN, Facts, alias_of
from wedding_dbopt.rewrite.offers_paging import next_page
from wedding_dbopt.rewrite.option import Option
from wedding_dbopt.rewrite.positions import has_only, is_pure
from wedding_dbopt.rewrite.splice import Span, parsed, span_of

MANY_ROWS = 1000
PAGE_ROWS = 100
VENDOR_WORDS = frozenset(("vendor", "supplier"))
ACTIVE_COLUMNS = ("is_active", "active")
VERIFIED_COLUMNS = ("is_verified", "verified")
_BEHIND_WHERE = frozenset(("group", "having", "window", "order", "limit", "offset", "fetch", "for"))


def limit(query: Query, facts: Facts, source: exp.Table, relation: Relation) -> Iterator[Option]:
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
            more=next_page(text, facts),
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


def columns(query: Query, relation: Relation, needed: Sequence[str] | None) -> Iterator[Option]:
    """Offer a list of columns in the place of `*`: those that are needed, or all with the width of each."""
    stars = [item for item in query.tree.expressions if isinstance(item, exp.Star)]
    span = _span_of_star(stars[0]) if len(stars) == 1 and len(query.tree.expressions) == 1 else None
    if span is None:
        return
    kept = [name for name in relation.columns if needed is None or name in needed]
    if not kept:
        return
    names = ", ".join(_quoted(name) for name in kept)
    text = query.plannable[: span.start] + names + query.plannable[span.end :]
    widths = {column.name: column.avg_width for column in relation.columns.values() if column.avg_width}
    dropped = {name: width for name, width in widths.items() if name not in kept}
    shown = dropped or widths
    widest = sorted(shown, key=lambda name: -shown[name])[:3]
    sizes = ", ".join(f"{name} {shown[name]}" for name in widest)
    if parsed(text) is None:
        return
    if needed is None:
        changes = (
            "Strike out the columns that the caller does not read; they no longer come back, and columns "
        )
        changes += "added to the table later do not either."
        changes += f" A row is about {sum(widths.values())} bytes wide; widest: {sizes}." if widths else ""
        yield Option("columns", text, changes)
    elif len(kept) < len(relation.columns):
        changes = f"Only {', '.join(kept)} come back."
        changes += (
            f" A row is {sum(dropped.values())} of {sum(widths.values())} bytes narrower: {sizes}."
            if dropped
            else ""
        )
        yield Option("columns", text, changes, bytes_saved=sum(dropped.values()) or None)


def _span_of_star(star: exp.Expr) -> Span | None:
    if "start" not in star.meta:
        return None
    return Span(int(star.meta["start"]), int(star.meta["end"]) + 1)


def active_vendors(query: Query, facts: Facts) -> Iterator[Option]:
    """Offer to show only active and verified vendors where the statement asks about neither."""
    tree = query.tree
    if not isinstance(tree, exp.Select):
        return
    joins = tree.args.get("joins") or []
    listed = [tree.args["from_"].this] if tree.args.get("from_") else []
    listed += [join.this for join in joins if not join.args.get("side")]
    if any(join.args.get("side") in ("RIGHT", "FULL") for join in joins):
        return
    asked = {folded(column.this) for column in tree.find_all(exp.Column)}
    for source in listed:
        relation = facts.relation(source)
        if relation is None or not VENDOR_WORDS & set(words(relation.name)):
            continue
        alias = alias_of(source).sql(dialect="postgres")
        conditions = _activity(relation)
        if len(conditions) < 2 or set(conditions) & asked:
            continue
        condition = " AND ".join(test.format(f"{alias}.{name}") for name, test in conditions.items())
        text = _filtered(query, condition)
        if text is not None:
            yield Option(
                "active_vendors",
                text,
                f"Rows of {relation.name} that are not both {' and '.join(conditions)} no longer come back.",
            )


def _activity(relation: Relation) -> dict[str, str]:
    """Columns that say whether a vendor is active and verified, each with its test."""
    flags = {column.name for column in relation.columns.values() if column.type_oid == BOOLEAN}
    found = {
        name: "{}"
        for names in (ACTIVE_COLUMNS, VERIFIED_COLUMNS)
        if (name := next((name for name in names if name in flags), "")) != ""
    }
    status = relation.columns.get("status")
    if not set(found) & set(ACTIVE_COLUMNS) and status is not None and "active" in status.most_common_vals:
        found["status"] = "{} = 'active'"
    return found


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
