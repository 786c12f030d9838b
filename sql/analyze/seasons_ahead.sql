-- A season that is on counts with its own days; one whose first day has passed this year comes next year.
create or replace function _wedding_dbopt.seasons_ahead(at timestamptz)
returns table (name text, starts_at timestamptz, ends_at timestamptz, on_now boolean, factor numeric, surge_context text, surge_multiplier numeric)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with place as materialized (
    select _wedding_dbopt.setting_value('time_zone') as zone
  ), day as (
    select c.name, coalesce(c.time_zone, p.zone) as zone, d.day, c.surge_context, c.surge_multiplier,
           _wedding_dbopt.in_season(d.day, c.first_day, c.last_day) as inside,
           lag(_wedding_dbopt.in_season(d.day, c.first_day, c.last_day)) over (partition by c.name order by d.day) as was_inside
    from place p cross join _wedding_dbopt.calendar() c
    cross join lateral (select (seasons_ahead.at at time zone coalesce(c.time_zone, p.zone))::date + n as day from generate_series(0, 740) n) d
    where c.enabled
  ), run as (
    select d.name, d.zone, d.surge_context, d.surge_multiplier, d.day,
           coalesce(not d.was_inside, true) and d.inside as begins, coalesce(d.was_inside, false) and not d.inside as ends
    from day d
  ), bound as (
    select r.name, r.surge_context, r.surge_multiplier, min(r.day) filter (where r.begins) as first_day, min(r.zone) as zone
    from run r group by 1, 2, 3
  )
  select b.name, b.first_day::timestamp at time zone b.zone,
         (select min(r.day) from run r where r.name = b.name and r.ends and r.day > b.first_day)::timestamp at time zone b.zone,
         b.name in (select s.name from _wedding_dbopt.seasons_on(seasons_ahead.at) s), m.multiplier, b.surge_context, b.surge_multiplier
  from bound b join _wedding_dbopt.season_multipliers() m on m.season = b.name and m.context = 'all'
  where b.first_day is not null
$$;
comment on function _wedding_dbopt.seasons_ahead(timestamptz) is
  'Each enabled season of the calendar: when it begins next (today, if it is on) and ends, what it multiplies the load by, and its surge.';
