create or replace function wedding_dbopt.get_season(at timestamptz default now()) returns jsonb
language sql stable security invoker
set search_path = pg_catalog, pg_temp as $$
  with place as (
    select _wedding_dbopt.setting_value('time_zone') as time_zone, _wedding_dbopt.setting_value('region') as region
  ), today as (
    select p.time_zone, p.region, (get_season.at at time zone p.time_zone)::date as day from place p
  ), current as (
    select coalesce(array_agg(s.name order by s.name), '{}') as names,
      max(s.prior_multiplier) as multiplier,
      max(s.surge_multiplier) as surge,
      (array_agg(s.surge_context order by s.surge_multiplier desc, s.name))[1] as surge_context,
      min(s.tuning_interval) as tuning_interval
    from today t cross join lateral _wedding_dbopt.seasons_on(t.day) s
  )
  select jsonb_build_object(
    'at', get_season.at,
    'time_zone', t.time_zone,
    'region', t.region,
    'local_date', t.day,
    'seasons', to_jsonb(c.names),
    'is_wedding_season', 'wedding' = any(c.names),
    'is_proposal_season', 'proposal' = any(c.names),
    'season_multiplier', coalesce(c.multiplier, 1.0),
    'multiplier_basis', 'prior',
    'surge_multiplier', coalesce(c.surge, 1),
    'surge_context', c.surge_context,
    'tuning_interval', coalesce(c.tuning_interval, _wedding_dbopt.setting_value('tuning_interval_off_season')::interval),
    'next_change', (
      select next.day::timestamp at time zone t.time_zone
      from (select t.day + ahead as day from generate_series(1, 366) as ahead) as next
      where (select coalesce(array_agg(s.name order by s.name), '{}') from _wedding_dbopt.seasons_on(next.day) s) <> c.names
      order by next.day limit 1))
  from today t cross join current c
$$;
comment on function wedding_dbopt.get_season(timestamptz) is
  'Which seasons of the calendar are in force at a time, in the configured time zone and region, what they multiply the load by, and when that changes next.';
