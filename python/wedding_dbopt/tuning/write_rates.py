"""How many rows are usually written to each table, by what was collected.

The first load of a table is no usual writing: an hour that brought half of the rows there were at its end, when all that was ever
inserted was hardly more than those. A table that is emptied and loaded again has had more inserted, and a queue keeps none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from wedding_dbopt.database import Database
from wedding_dbopt.indexes.cost import WriteRate
from wedding_dbopt.indexes.recommendation import Recommendation

_WRITES = """
with hour as (
  select d.relid, extract(epoch from d.at)::bigint / 3600 as hour, sum(d.inserted) as inserted, sum(d.updated) as updated,
         sum(d.deleted) as deleted, sum(d.hot_updated) as hot_updated, (array_agg(d.live order by d.at desc))[1] as live
  from _wedding_dbopt.table_delta(clock_timestamp() - make_interval(secs => $1), clock_timestamp()) d
  group by 1, 2
), counted as (
  select h.*, h.inserted - h.deleted >= h.live / 2.0 and h.inserted > 0
      and pg_catalog.pg_stat_get_tuples_inserted(h.relid) - coalesce(sum(h.inserted) over later, 0) <= 1.5 * h.live as is_load
  from hour h
  window later as (partition by h.relid order by h.hour rows between 1 following and unbounded following)
)
select n.nspname as schema, c.relname as table,
       coalesce(sum(d.inserted) filter (where not (d.is_load and not p.relispartition)), 0)::float8 as inserts,
       coalesce(sum(d.inserted) filter (where d.is_load and not p.relispartition), 0)::float8 as loaded,
       sum(d.updated)::float8 as updates, sum(d.deleted)::float8 as deletes, sum(d.hot_updated)::float8 as hot_updates
from counted d
join pg_catalog.pg_class p on p.oid = d.relid
-- A partition's writes are its own and those of the table it belongs to; each new one is loaded anew.
join pg_catalog.pg_class c on c.oid in (p.oid, case when p.relispartition then pg_catalog.pg_partition_root(p.oid) end)
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
group by 1, 2
"""


@dataclass(frozen=True)
class Writes:
    """Rates by (schema, table), and the rows of a first load, which the rates leave out."""

    rates: Mapping[tuple[str, str], WriteRate]
    loaded: Mapping[tuple[str, str], float]

    def told(self, items: Iterable[Recommendation]) -> Iterator[Recommendation]:
        """The recommendations, each with what was left out of the writing that it costs."""
        for item in items:
            rows = self.loaded.get(item.index.place, 0.0)
            left_out = (
                f" The load of {rows:,.0f} rows into the new table is not counted as its usual writing."
            )
            yield replace(item, reason=item.reason + left_out) if rows else item


def writes(database: Database, window: float) -> Writes:
    """What was written in the last `window` seconds, in which the workload's calls were counted too."""
    rates, loaded = {}, {}
    for row in database.query(_WRITES, ["float8"], [window]):
        place = (str(row["schema"]), str(row["table"]))
        rates[place] = WriteRate(
            *(float(row[name]) / window for name in ("inserts", "updates", "deletes", "hot_updates"))
        )
        loaded[place] = float(row["loaded"])
    return Writes(rates, loaded)
