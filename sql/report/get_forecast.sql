create or replace function wedding_dbopt.get_forecast(
  context text default null, ahead interval default '28 days', step text default 'day', at timestamptz default now())
returns table (wedding_context text, since timestamptz, until timestamptz, calls numeric, low numeric, high numeric,
               calls_per_minute numeric, seasons text[], fitted_at timestamptz, basis text)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  zone constant text := _wedding_dbopt.setting_value('time_zone');
begin
  perform _wedding_dbopt.window_start(get_forecast.at);
  perform _wedding_dbopt.require(get_forecast.step in ('hour', 'day'), format('unknown step %L', get_forecast.step), 'Use hour or day.');
  perform _wedding_dbopt.require(get_forecast.ahead between interval '0' and interval '28 days',
    'ahead must lie between nothing and 28 days', 'The load is forecast for four weeks.');
  perform _wedding_dbopt.require(
    get_forecast.context is null or get_forecast.context = 'all' or get_forecast.context in (select k.context from _wedding_dbopt.contexts() k),
    format('unknown context %L', get_forecast.context), 'Use all or one of booking, vendor_search, payment, timeline, guest_management, other.');
  return query
    with slot as (
      select e.context as name, e.hour as since, e.hour + interval '1 hour' as until, 60 * e.calls_per_minute as calls, 60 * e.low as low,
             60 * e.high as high, e.fitted_at
      from _wedding_dbopt.expected_hour e
      where get_forecast.step = 'hour' and e.hour >= date_trunc('hour', get_forecast.at, 'UTC') and e.hour < get_forecast.at + get_forecast.ahead
      union all
      select e.context, e.day, _wedding_dbopt.local_midnight(e.day, 1, zone), e.calls, e.low, e.high, e.fitted_at
      from _wedding_dbopt.expected_day e
      where get_forecast.step = 'day' and e.day >= date_trunc('day', get_forecast.at, zone) and e.day < get_forecast.at + get_forecast.ahead
    ), calendar as materialized (
      select c.name, c.first_day, c.last_day, coalesce(c.time_zone, zone) as zone from _wedding_dbopt.calendar() c where c.enabled
    ), day as materialized (
      select d.day, array(select c.name from calendar c
                          where _wedding_dbopt.in_season((d.day at time zone c.zone)::date, c.first_day, c.last_day) order by c.name) as seasons
      from (select distinct date_trunc('day', s.since, zone) as day from slot s) d
    ), known as materialized (
      select f.context, case when f.history_hours >= 400 * 24 then 'a year or more of history'
                             when f.history_hours >= 14 * 24 then 'weeks of history; seasons by the calendar''s prior'
                             else 'days of history; seasons and weekdays are not known yet' end as basis
      from _wedding_dbopt.load_fit f
    )
    select s.name, s.since, s.until, round(s.calls::numeric, 1), round(s.low::numeric, 1), round(s.high::numeric, 1),
           round((s.calls / extract(epoch from s.until - s.since) * 60)::numeric, 3), d.seasons, s.fitted_at, k.basis
    from slot s
    join day d on d.day = date_trunc('day', s.since, zone)
    left join known k on k.context = s.name
    where s.name = get_forecast.context or get_forecast.context is null
    order by array_position(array['all', 'booking', 'vendor_search', 'payment', 'timeline', 'guest_management', 'other'], s.name), s.since;
end $$;
comment on function wedding_dbopt.get_forecast(text, interval, text, timestamptz) is
  'Expected calls of the coming hours or days (step), per context and for all, with the interval that holds eight of ten; four weeks at most, from the last fit. basis says what history stands behind it; before a day of history there are no rows.';
