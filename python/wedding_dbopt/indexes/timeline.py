"""Where the rows of a table lie on a column of dates, by the planner's statistics."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime, timezone

from ..catalog import Relation
from ..database import Database

# Days that Python has, in seconds; infinity is none of them.
_FIRST, _LAST = -62135596800, 253402300799
_STATISTICS = """
with known as (
  select s.null_frac, s.most_common_freqs, format_type(a.atttypid, -1) as kind,
         s.histogram_bounds::text::text[] as marks, s.most_common_vals::text::text[] as common
  from pg_catalog.pg_stats s
  join pg_catalog.pg_attribute a on a.attrelid = $1 and a.attname = s.attname
  where s.schemaname = $2 and s.tablename = $3 and s.attname = $4
  order by s.inherited desc limit 1
)
select k.null_frac::float8 as nulls,
       array(select m.at from unnest(k.marks) with ordinality as u (value, place), lateral (
               select extract(epoch from case k.kind when 'timestamp with time zone' then u.value::timestamptz
                                         else u.value::timestamp at time zone 'UTC' end)::float8) as m (at)
             order by u.place) as marks,
       array(select m.at from unnest(k.common) with ordinality as u (value, place), lateral (
               select extract(epoch from case k.kind when 'timestamp with time zone' then u.value::timestamptz
                                         else u.value::timestamp at time zone 'UTC' end)::float8) as m (at)
             order by u.place) as common,
       k.most_common_freqs::float8[] as frequencies
from known k
where k.kind in ('date', 'timestamp with time zone', 'timestamp without time zone')
"""


@dataclass(frozen=True)
class Timeline:
    """Where the rows of a table lie on a column: equal parts between the `marks`, which hold `filled` of all rows.

    `common` are values that many rows share, each with its share.
    """

    marks: tuple[datetime, ...]
    filled: float
    common: tuple[tuple[datetime, float], ...] = ()

    def share_from(self, moment: datetime) -> float:
        """The share of the rows (0..1) that lie at a moment or later."""
        shared = sum(share for value, share in self.common if value >= moment)
        place = bisect_left(self.marks, moment)
        if len(self.marks) < 2 or place == len(self.marks):
            return min(shared, 1.0)
        behind = float(len(self.marks) - 1 - place)
        if place > 0:
            width = (self.marks[place] - self.marks[place - 1]).total_seconds()
            behind += (self.marks[place] - moment).total_seconds() / width if width > 0 else 1.0
        return min(shared + self.filled * behind / (len(self.marks) - 1), 1.0)


class Timelines:
    """The timelines of a database, each read once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[int, str], Timeline | None] = {}

    def __call__(self, relation: Relation, column: str) -> Timeline | None:
        place = (relation.oid, column)
        if place not in self._known:
            self._known[place] = self._read(relation, column)
        return self._known[place]

    def _read(self, relation: Relation, column: str) -> Timeline | None:
        values = [relation.oid, relation.schema, relation.name, column]
        rows = self._database.query(_STATISTICS, ["oid", "name", "name", "name"], values)
        if not rows:
            return None
        row = rows[0]
        frequencies = [float(share) for share in row["frequencies"] or ()]
        marks = tuple(_moment(at) for at in row["marks"] or ())
        common = tuple((_moment(at), share) for at, share in zip(row["common"] or (), frequencies))
        filled = max(1.0 - float(row["nulls"]) - sum(frequencies), 0.0)
        return Timeline(marks, filled if marks else 0.0, common) if marks or common else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), timezone.utc)
