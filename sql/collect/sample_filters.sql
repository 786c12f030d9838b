create or replace function _wedding_dbopt.sample_filters(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  home constant regnamespace := _wedding_dbopt.extension_schema('pg_qualstats');
begin
  if home is null then
    return;
  end if;
  insert into _wedding_dbopt.filter_sample (at, previous_at, queryids, dbids, relids, attnums, opnos, executions, filtered)
  select sample_filters.at, min(g.previous_at), array_agg(k.part[1]::bigint order by g.key), array_agg(k.part[2]::oid order by g.key),
    array_agg(k.part[3]::oid order by g.key), array_agg(k.part[4]::smallint order by g.key), array_agg(k.part[5]::oid order by g.key),
    array_agg(g.counters[1] order by g.key), array_agg(g.counters[2] order by g.key)
  from _wedding_dbopt.keyed_growth('filters', sample_filters.at, format(
    $sql$select concat_ws(' ', q.queryid, q.dbid, q.lrelid, q.lattnum, q.opno),
                array[sum(q.execution_count)::bigint, sum(q.nbfiltered)::bigint]
         from %s.pg_qualstats() q where q.queryid is not null and q.lrelid is not null and q.opno is not null group by 1$sql$, home)) as g
  cross join lateral string_to_array(g.key, ' ') as k (part)
  having count(*) > 0;
end $$;
comment on function _wedding_dbopt.sample_filters(timestamptz) is
  'Stores which columns statements filter by and how many rows that threw away, from pg_qualstats where it is installed; it never reads the constants.';
