create or replace function wedding_dbopt.get_season(at timestamptz default now()) returns jsonb
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.window_start(get_season.at);
  return (
  with place as (
    select _wedding_dbopt.setting_value('time_zone') as time_zone, _wedding_dbopt.setting_value('region') as region
  ), known as materialized (
    select * from _wedding_dbopt.season_multipliers()
  ), current as (
    select coalesce(array_agg(s.name order by s.name), '{}') as names,
      max(known.multiplier) as multiplier,
      (array_agg(known.basis order by known.multiplier desc, s.name))[1] as basis,
      max(s.surge_multiplier) as surge,
      (array_agg(s.surge_context order by s.surge_multiplier desc, s.name))[1] as surge_context,
      min(s.tuning_interval) as tuning_interval
    from _wedding_dbopt.seasons_on(get_season.at) s
    join known on known.season = s.name and known.context = 'all'
  ), day as (
    select c.name, coalesce(c.time_zone, p.time_zone) as zone, d.day, _wedding_dbopt.in_season(d.day, c.first_day, c.last_day) as inside,
           lag(_wedding_dbopt.in_season(d.day, c.first_day, c.last_day)) over (partition by c.name order by d.day) as was_inside
    from place p
    cross join _wedding_dbopt.calendar() c
    cross join lateral (select (get_season.at at time zone p.time_zone)::date - 1 + ahead from generate_series(0, 368) as ahead) as d(day)
    where c.enabled
  )
  select jsonb_build_object(
    'at', get_season.at,
    'time_zone', p.time_zone,
    'region', p.region,
    'local_date', (get_season.at at time zone p.time_zone)::date,
    'seasons', to_jsonb(c.names),
    'is_wedding_season', 'wedding' = any(c.names),
    'is_proposal_season', 'proposal' = any(c.names),
    'season_multiplier', coalesce(c.multiplier, 1.0),
    'multiplier_basis', coalesce(c.basis, 'prior'),
    'multipliers', (
      select coalesce(jsonb_object_agg(per.season, per.contexts), '{}')
      from (select known.season, jsonb_object_agg(known.context, jsonb_build_object(
                     'multiplier', known.multiplier, 'low', known.low, 'high', known.high, 'prior', known.prior,
                     'seasons_observed', known.seasons_observed, 'days_observed', known.days_observed, 'basis', known.basis)) as contexts
            from known where known.context = 'all' or known.basis <> 'prior' group by known.season) per),
    'surge_multiplier', coalesce(c.surge, 1),
    'surge_context', c.surge_context,
    'tuning_interval', coalesce(c.tuning_interval, _wedding_dbopt.setting_value('tuning_interval_off_season')::interval),
    'next_change', (
      select min(day.day::timestamp at time zone day.zone) from day
      where day.inside <> day.was_inside and day.day::timestamp at time zone day.zone > get_season.at))
  from place p cross join current c);
end $$;
comment on function wedding_dbopt.get_season(timestamptz) is
  'Which seasons of the calendar are in force at a time, in the configured time zone and region, what they multiply the load by (multiplier_basis: the calendar''s prior until history measures it; multipliers: each season, for all and for the contexts that were measured, with an 80 % interval), and when that changes next.';
