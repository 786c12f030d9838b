"""All offers for a statement: what would change its result, each apart, none ever applied."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from wedding_dbopt.query import Query
from wedding_dbopt.rewrite.engine import LONGEST_TEXT
from wedding_dbopt.rewrite.facts import Facts, only_source
from wedding_dbopt.rewrite.offers import active_vendors, columns, limit
from wedding_dbopt.rewrite.offers_paging import keyset
from wedding_dbopt.rewrite.offers_unproven import union_all, unproven, whole_last_day
from wedding_dbopt.rewrite.option import Option


def semantic_options(
    query: Query, facts: Facts, needed_columns: Sequence[str] | None = None
) -> tuple[Option, ...]:
    """Return the offers for a SELECT; `needed_columns` are those that the caller reads."""
    tree = query.tree
    if not isinstance(tree, exp.Query) or len(query.text) > LONGEST_TEXT:
        return ()
    offers: list[Option] = []
    source = only_source(tree) if isinstance(tree, exp.Select) else None
    relation = facts.relation(source) if source is not None else None
    if source is not None and relation is not None:
        offers += limit(query, facts, source, relation)
        offers += keyset(query, facts, relation)
        offers += columns(query, relation, needed_columns)
    offers += active_vendors(query, facts)
    offers += whole_last_day(query, facts)
    offers += union_all(query)
    offers += unproven(query, facts)
    return tuple(offers)
