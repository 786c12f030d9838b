-- Multiples are against the busiest minutes that were measured, which lie in the seasons and in the hour of the week of their own
-- time: the season to come is divided by theirs, and the week's highest hour by theirs. Until the season's middle the load
-- grows as the fit says, at most fourfold, because a young fit may say anything.
create or replace function _wedding_dbopt.season_forecast(season text, at timestamptz, measured_at timestamptz)
returns table (scenario text, context text, factor float8, table_growth float8, basis text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with ahead as materialized (
    select s.*, greatest(extract(epoch from case when s.on_now then season_forecast.at + (s.ends_at - season_forecast.at) / 2
                                                 else s.starts_at + (s.ends_at - s.starts_at) / 2 end - season_forecast.at), 0) / 86400 as days
    from _wedding_dbopt.seasons_ahead(season_forecast.at) s where s.name = season_forecast.season
  ), known as materialized (
    select * from _wedding_dbopt.season_multipliers()
  ), current as (
    select k.context, greatest(max(k.multiplier), 1) as multiplier from known k
    where k.season in (select s.name from _wedding_dbopt.seasons_on(season_forecast.measured_at) s) group by k.context
  ), week as (
    select greatest(1, max(p.factor) / nullif(max(p.factor) filter (where p.hour_of_week = _wedding_dbopt.hour_of_week(
             season_forecast.measured_at - interval '1 minute', _wedding_dbopt.setting_value('time_zone'))), 0)) as factor
    from _wedding_dbopt.load_profile p where p.context = 'all' having count(*) = 168 and avg(p.hours) >= 2
  ), growth as (
    select greatest(0.5, least(4, f.growth ^ ((select a.days from ahead a) / 365.25))) as factor
    from _wedding_dbopt.load_fit f where f.context = 'all' and f.history_hours >= 90 * 24
  ), room as (  -- tables are taken to grow alike
    select 1 + (select a.days from ahead a) * g.bytes_per_day / nullif(pg_database_size(current_database()), 0) as factor
    from _wedding_dbopt.disk_growth(season_forecast.at) g where g.bytes_per_day is not null
  ), season_load as materialized (
    select k.context, k.multiplier / coalesce(c.multiplier, 1) * coalesce((select w.factor from week w), 1) * coalesce((select g.factor from growth g), 1) as factor,
           k.basis, a.surge_context, a.surge_multiplier
    from ahead a join known k on k.season = a.name left join current c on c.context = k.context
  ), top as (
    select c.surge_context, c.surge_multiplier from _wedding_dbopt.calendar() c
    where c.enabled and c.surge_context is not null order by c.surge_multiplier desc limit 1
  ), coming as (
    select e.context, max(e.calls_per_minute) as calls from _wedding_dbopt.expected_hour e
    where e.hour >= season_forecast.at and e.hour < season_forecast.at + interval '28 days' group by e.context
  ), recent as (
    select p.context, sum(p.calls) * 60 / extract(epoch from sum(p.at - p.previous_at)) as calls
    from _wedding_dbopt.busiest_window(season_forecast.at) w
    join _wedding_dbopt.context_sample p on p.at > w.since and p.at <= w.until group by p.context
    union all
    select 'all', w.calls_per_second * 60 from _wedding_dbopt.busiest_window(season_forecast.at) w
  ), scenario as (
    select 'season' as name, s.context, s.factor::float8, true as grown, format('multiplier: %s%s%s', s.basis,
             case when exists (select from week) then ', highest hour of the learned week' else '' end,
             case when exists (select from growth) then ', growth of the load' else '' end) as basis
    from season_load s
    union all
    select 'surge', s.context,
           (s.factor * case when s.context = coalesce(s.surge_context, t.surge_context) then greatest(s.surge_multiplier, t.surge_multiplier) else 1 end)::float8,
           true, format('the season, and %s times its %s', greatest(s.surge_multiplier, t.surge_multiplier), coalesce(s.surge_context, t.surge_context))
    from season_load s cross join top t
    union all
    select 'coming_weeks', c.context, c.calls / nullif(r.calls, 0), false, 'the forecast of the coming four weeks, highest hour'
    from coming c join recent r using (context) where r.calls > 0
  )
  select s.name, s.context, s.factor, case when s.grown then coalesce((select r.factor from room r), 1) else 1 end::float8, s.basis
  from scenario s
$$;
comment on function _wedding_dbopt.season_forecast(text, timestamptz, timestamptz) is
  'By how much the load of each context exceeds the busiest minutes measured, in the season, in its surge and in the coming four weeks, and how the tables grow until then.';
