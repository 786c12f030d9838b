create or replace function _wedding_dbopt.sample_wait_profile(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  insert into _wedding_dbopt.wait_profile_sample (at, previous_at, period_ms, queryids, waits, counts)
  select sample_wait_profile.at, min(g.previous_at), current_setting('pg_wait_sampling.profile_period')::integer,
    array_agg(k.queryid order by k.queryid, k.wait), array_agg(k.wait order by k.queryid, k.wait),
    array_agg(g.counters[1] order by k.queryid, k.wait)
  from _wedding_dbopt.keyed_growth('wait profile', sample_wait_profile.at, format(
    $sql$select p.queryid || ' ' || p.event_type || ':' || p.event, array[sum(p.count)::bigint]
         from %s.pg_wait_sampling_get_profile() p where p.event is not null group by 1$sql$,
    _wedding_dbopt.extension_schema('pg_wait_sampling'))) as g
  cross join lateral (select split_part(g.key, ' ', 1)::bigint as queryid, split_part(g.key, ' ', 2) as wait) as k
  having count(*) > 0;
end $$;
comment on function _wedding_dbopt.sample_wait_profile(timestamptz) is
  'Stores the waits by query id since the last pass, from the profile of pg_wait_sampling.';
