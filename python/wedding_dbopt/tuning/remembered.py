"""Indexes that were there before and judged by measurement then: what was measured is worth more than what is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from wedding_dbopt.database import Database
from wedding_dbopt.indexes.recommendation import Recommendation

_CONFIDENCE = 0.9
# A name is made of the definition.
_KEPT = """
select distinct on (a.object_name)
       a.object_name as name, a.id, a.measured_impact::float8 as percent, a.applied_at::date::text as day
from _wedding_dbopt.action a
where a.action_type = 'index_creation' and a.object_name = any ($1) and a.measured_impact > 0 and starts_with(a.verdict, 'kept:')
order by a.object_name, a.id desc
"""


def remembered(database: Database, items: Iterable[Recommendation]) -> Iterator[Recommendation]:
    """The recommendations, those whose index was kept for a measured gain once with that as their proof."""
    listed = list(items)
    rows = database.query(_KEPT, ["text[]"], [[item.name for item in listed]]) if listed else []
    known = {str(row["name"]): row for row in rows}
    for item in listed:
        row = known.get(item.name)
        if row is None:
            yield item
            continue
        gain = f"action {row['id']} of {row['day']} measured a gain of {row['percent']:,.1f} %"
        told = f" It was there before: {gain}."
        confidence = max(item.confidence, _CONFIDENCE)
        yield replace(item, proof="measured", confidence=confidence, reason=item.reason + told)
