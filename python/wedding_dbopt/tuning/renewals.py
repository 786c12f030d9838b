"""Renewing the indexes of ours that begin at a date, when the clock or the application has moved on.

Too old is one of which half lies before all that is asked for: it still serves, and holds twice what it must. Too new is one
that begins behind the earliest date that is asked for by now: some of its statements cannot use it. Both get another
index, with a boundary chosen anew from the dates that were seen. Where no dates are seen any more, or they no longer follow the
clock, there is nothing to choose it from, so nothing is renewed; an index that nothing uses is found like any other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from wedding_dbopt.catalog import Catalog, Relation
from wedding_dbopt.database import Database, Row
from wedding_dbopt.errors import DboptError
from wedding_dbopt.indexes.dated import Dated, Window, dated, details_of
from wedding_dbopt.indexes.timeline import Timeline, Timelines
from wedding_dbopt.query import Query, Table
from wedding_dbopt.tuning.bound_ages import lower_bounds, windows
from wedding_dbopt.tuning.deeds.deed import details_of as details_of_action
from wedding_dbopt.tuning.deeds.deed import identifier
from wedding_dbopt.tuning.deeds.index_catalogue import dropping
from wedding_dbopt.tuning.idea import Idea

#: So many times what a fresh one would hold is too much.
STALE = 2.0
_DIGEST = re.compile(r"_[0-9a-f]{8}$")
_CREATE = re.compile(r"CREATE INDEX (?:\"(?:[^\"]|\"\")*\"|\S+) ON (.*) WHERE (.*)", re.DOTALL)
_HELD = """
select a.id, a.schema_name as schema, a.table_name as table, a.object_name as name, a.details, a.wedding_context as context,
       a.criticality, coalesce(r.benefits, '[]') as benefits, pg_catalog.pg_get_indexdef(i.indexrelid) as definition,
       c.relpages::bigint * current_setting('block_size')::bigint as bytes,
       array(select (b ->> 'statement_id')::integer from jsonb_array_elements(coalesce(r.benefits, '[]')) b
             where b ->> 'statement_id' ~ '^\\d+$') as statements
from _wedding_dbopt.action a
left join _wedding_dbopt.recommendation r on r.id = a.recommendation_id
join pg_catalog.pg_namespace n on n.nspname = a.schema_name
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = a.object_name and c.relkind = 'i'
join pg_catalog.pg_index i on i.indexrelid = c.oid and i.indisvalid
where a.action_type in ('index_creation', 'index_renewal') and a.state = 'kept' and not a.rollback_requested
  and a.season is null  -- what is bound to a season is made anew for each
  and a.details ? 'dated' and pg_catalog.obj_description(c.oid, 'pg_class') = _wedding_dbopt.action_mark(a.id)
  and not exists (select from _wedding_dbopt.locked_relations() l where l = i.indrelid)
order by a.id
"""
_TEXTS = """
select s.id, _wedding_dbopt.statement_query(s.id) as query from _wedding_dbopt.statement s where s.id = any ($1) order by s.id
"""


@dataclass(frozen=True)
class Renewal:
    """A fresh boundary in the place of a held one, and why."""

    fresh: Dated
    reason: str


def renewal(
    place: tuple[str, str],
    column: str,
    kind: str,
    boundary: datetime,
    window: Window,
    timeline: Timeline,
    now: datetime,
) -> Renewal | None:
    """What should take the place of an index that begins at `boundary`; None while it is good."""
    fresh = dated(place, column, kind, window.days, timeline, now, window)
    earliest = now - timedelta(days=window.days)
    if fresh is None or fresh.boundary == boundary:
        return None
    if earliest < boundary:
        return Renewal(
            fresh,
            f"it begins at {boundary.date()}, and dates from {earliest.date()} on are asked for by now, which it does not hold",
        )
    held = timeline.share_from(boundary)
    if fresh.boundary > boundary and held >= STALE * fresh.share:
        return Renewal(
            fresh,
            f"it holds {held:.1%} of the rows, and nothing before {earliest.date()} is asked for: from {fresh.boundary.date()} "
            f"on, with head room, it would hold {fresh.share:.1%}",
        )
    return None


def renewal_ideas(database: Database, at: datetime, least_days: float) -> Iterator[Idea]:
    """An idea for each index of ours that is too old or too new at a moment."""
    timelines = Timelines(database)
    for row in database.query(_HELD):
        details = details_of_action(row)["dated"]
        relation = _relation(database, row)
        column = str(details["column"])
        if relation is None or column not in relation.columns:
            continue
        window = _window(database, row["statements"], column, at, least_days)
        timeline = timelines(relation, column)
        if window is None or timeline is None:
            continue
        boundary = datetime.fromisoformat(details["boundary"]).astimezone(timezone.utc)
        found = renewal(relation.place, column, relation.columns[column].type, boundary, window, timeline, at)
        if found is not None:
            held = max(timeline.share_from(boundary), 1e-6)
            yield from _idea(row, found, int(row["bytes"] * min(found.fresh.share / held, 10.0)))


def _relation(database: Database, row: Row) -> Relation | None:
    table = Table(row["schema"], row["table"], row["table"])
    return Catalog.load(database, [table], []).relation(table)


def _window(
    database: Database, statements: list[int], column: str, at: datetime, least_days: float
) -> Window | None:
    """The widest window that the served statements open on a column; None where one of them has none by now."""
    known = windows(database, statements, at, least_days)
    found: list[Window] = []
    for row in database.query(_TEXTS, ["integer[]"], [statements]):
        numbers = _parameters(str(row["query"]), column)
        mine = [known.get(row["id"], {}).get(number) for number in numbers]
        if not numbers or None in mine:
            return None
        found += [window for window in mine if window is not None]
    return max(found, key=lambda window: window.days, default=None)


def _parameters(text: str, column: str) -> list[int]:
    try:
        return [number for number, name in lower_bounds(Query.parse(text)).items() if name == column]
    except DboptError:
        return []


def _idea(row: Row, found: Renewal, estimated: int) -> Iterator[Idea]:
    read = _CREATE.fullmatch(str(row["definition"]))
    if read is None:
        return
    body = f"{read[1]} WHERE {found.fresh.condition}"
    digest = hashlib.sha256(body.encode()).hexdigest()[:8]
    name = f"{_DIGEST.sub('', str(row['name']))[:54]}_{digest}"
    schema, old = str(row["schema"]), str(row["name"])
    until = found.fresh.until.date()
    details: Mapping[str, object] = {"old": old, "dated": details_of(found.fresh)}
    yield Idea(
        kind="index_renewal",
        object_kind="index",
        schema=schema,
        table=str(row["table"]),
        object=name,
        sql=(f"CREATE INDEX CONCURRENTLY {identifier(name)} ON {body}",),
        final_sql=(dropping(schema, old),),
        rollback_sql=(dropping(schema, name),),
        where_clause=found.fresh.condition,
        index_type="btree",
        details=details,
        benefits=tuple({"statement_id": number} for number in row["statements"]),
        estimated_bytes=estimated,
        reason=f"{old} begins at a date and is to be renewed: {found.reason}. The new one is built concurrently, the old one is "
        f"hidden from the planner, and dropped when nobody missed it. It is good until about {until}.",
        context=str(row["context"]),
        criticality=str(row["criticality"]),
        priority="low",
        confidence=0.9,
        proof="catalogue",
        goal="no harm",
    )
