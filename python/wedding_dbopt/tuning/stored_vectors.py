"""Advice on a stored column for full-text searches, with both ways to make it; it is for people only.

`GENERATED ALWAYS AS ... STORED` writes the whole table anew while nobody may read it. On a table of size the other way is
shown: a plain column, a trigger that fills it, the old rows filled page by page with a commit in between, and the index
built concurrently. The statements must be changed too, which only their owners can do; so it is never applied by us.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlglot import exp

from wedding_dbopt.catalog import PAGE_BYTES, Catalog
from wedding_dbopt.database import Database, TimeLimitReached
from wedding_dbopt.indexes.definition import IndexDef, Key
from wedding_dbopt.indexes.sample import Unproven, read_text
from wedding_dbopt.indexes.stored_vector import (
    MOST_LEFT,
    Measured,
    Searched,
    measure,
    rewritten,
    searched,
    size_of_column,
)
from wedding_dbopt.indexes.terms import column_term, qualified, quoted
from wedding_dbopt.planning import planning_session
from wedding_dbopt.tuning.idea import Idea
from wedding_dbopt.tuning.members import Member
from wedding_dbopt.tuning.time_budget import TimeBudget

KIND = "stored_search_column"
#: Expressions tried in a run, of the heaviest statements first.
MOST = 3
SECONDS = 8.0
#: Pages filled between two commits.
_PAGES = 500


def stored_ideas(
    database: Database,
    members: Sequence[Member],
    catalog: Catalog,
    limit: TimeBudget,
    *,
    with_texts: bool,
    contained: bool = False,
) -> list[Idea]:
    """What a column would bring to searches by an expression, where it halves their time at least.

    Nothing is begun once the time is over, and what a sample does not show in its time is left out. `with_texts` puts the
    changed statements into the reason: for who may see them. `contained` as in `planning_session`.
    """
    statements = [(member.statement.key, member.statement.query) for member in members]
    queries = dict(statements)
    ideas: list[Idea] = []
    wanted = [] if limit.is_over() else searched(statements, catalog)[:MOST]
    if not wanted:
        return ideas
    with planning_session(database, contained=contained) as session:
        for item in wanted:
            reader = session.reader(item.relation.schema, item.relation.name)
            left = min(limit.end() - limit.clock(), SECONDS)
            if left <= 0:
                break
            try:
                with database.time_limit(left):
                    found = measure(database, reader, item)
            except TimeLimitReached:
                continue
            if isinstance(found, Unproven) or found.left > MOST_LEFT:
                continue
            texts = [rewritten(queries[key], item, catalog) for key in item.keys] if with_texts else []
            ideas.append(_idea(database, item, found, [text for text in texts if text is not None], members))
    return ideas


def _idea(
    database: Database, item: Searched, found: Measured, texts: Sequence[str], members: Sequence[Member]
) -> Idea:
    relation = item.relation
    index = IndexDef(*relation.place, (Key(column_term(item.column)),), method="gin")
    limit = database.query("select _wedding_dbopt.setting_value('heavy_work_bytes')::float8 as bytes")[0][
        "bytes"
    ]
    heavy = relation.pages * PAGE_BYTES >= limit
    build = (index.create_sql(concurrently=True), f"ANALYZE {qualified(*relation.place)}")
    sql, undo = _unlocked(item) if heavy else _generated(item)
    asked = [member.statement for member in members if member.statement.key in item.keys]
    ranking = " ranks what it finds and" if item.ranks else ""
    many = "1 statement" if len(item.keys) == 1 else f"{len(item.keys)} statements"
    reason = (
        f"Each search{ranking} computes {item.search.expression} again for the rows it finds. On a sample of {found.rows} rows, "
        f"of which it finds {found.found}, it takes {found.expression_ms:.2f} ms with an index of the expression and "
        f"{found.stored_ms:.2f} ms ({found.left:.0%}) with one of a stored column, {found.expression_blocks} and "
        f"{found.stored_blocks} blocks. The column takes about {size_of_column(item, found) / 1e6:,.1f} MB. It holds exactly "
        f"that expression, so a row whose NULL part makes it NULL is found no more and no less than now. {many} must "
        f"name {quoted(item.column)} in its place, so nothing is done by itself."
    )
    if heavy:
        reason += (
            f" GENERATED ALWAYS AS STORED would write the whole table of {relation.pages * PAGE_BYTES / 1e6:,.0f} MB anew while "
            f"nobody reads or writes it; the statements here fill a plain column by a trigger and page by page instead. The "
            f"DO block commits, so run it outside a transaction."
        )
    reason += "".join(f" Statement: {text}" for text in texts)
    return Idea(
        kind=KIND,
        object_kind="column",
        schema=relation.schema,
        table=relation.name,
        object=item.column,
        columns=item.search.columns,
        index_type="gin",
        sql=(*sql, *build),
        rollback_sql=(index.drop_sql(concurrently=True), *undo),
        reason=reason,
        benefits=tuple({"statement_id": key} for key in item.keys),
        estimated_bytes=size_of_column(item, found),
        estimated_improvement=round(100 * (1 - found.left), 2),
        context=asked[0].context if asked else "other",
        criticality=asked[0].criticality if asked else "low",
        priority="medium",
        confidence=0.7,
        proof="sample",
        safety="manual",
        risk="high",
        locks="ACCESS EXCLUSIVE on the table: for a moment, but while GENERATED STORED writes all of it anew",
    )


def _generated(item: Searched) -> tuple[tuple[str, ...], tuple[str, ...]]:
    table = qualified(item.relation.schema, item.relation.name)
    add = f"ADD COLUMN {quoted(item.column)} tsvector GENERATED ALWAYS AS ({_expression(item)}) STORED"
    return (f"ALTER TABLE {table} {add}",), (f"ALTER TABLE {table} DROP COLUMN {quoted(item.column)}",)


def _unlocked(item: Searched) -> tuple[tuple[str, ...], tuple[str, ...]]:
    relation, column = item.relation, quoted(item.column)
    table = qualified(relation.schema, relation.name)
    digest = hashlib.sha256(f"{table} {item.search.expression}".encode()).hexdigest()[:8]
    function = qualified(relation.schema, f"wd_fill_{digest}")
    trigger = quoted(f"wd_fill_{digest}")
    watched = ", ".join(map(quoted, item.search.columns))
    place = "'" + table.replace("'", "''") + "'"
    make = (
        f"ALTER TABLE {table} ADD COLUMN {column} tsvector",
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $wd$ "
        f"BEGIN NEW.{column} := {_expression(item, 'new')}; RETURN NEW; END $wd$",
        f"CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE OF {watched}, {column} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()",
        f"DO $wd$ DECLARE wd_page bigint := 0; wd_pages bigint := pg_relation_size({place}::regclass) / {PAGE_BYTES} + 1; "
        f"BEGIN WHILE wd_page < wd_pages LOOP UPDATE {table} SET {column} = {_expression(item)} "
        f"WHERE ctid >= format('(%s,0)', wd_page)::tid AND ctid < format('(%s,0)', wd_page + {_PAGES})::tid "
        f"AND {column} IS DISTINCT FROM {_expression(item)}; COMMIT; wd_page := wd_page + {_PAGES}; END LOOP; END $wd$",
    )
    undo = (
        f"DROP TRIGGER IF EXISTS {trigger} ON {table}",
        f"DROP FUNCTION IF EXISTS {function}()",
        f"ALTER TABLE {table} DROP COLUMN IF EXISTS {column}",
    )
    return make, undo


def _expression(item: Searched, row: str | None = None) -> str:
    """The expression, with its columns as those of a row variable."""
    tree = read_text(item.search.expression)
    if row is not None:
        for column in tree.find_all(exp.Column):
            column.set("table", exp.to_identifier(row))
    return tree.sql("postgres")
