-- A weekday's window is made of local times and turned into moments last, so it is an hour shorter or longer where clocks change.
create or replace function _wedding_dbopt.freezes_between(since timestamptz, until timestamptz)
returns table (name text, reason text, since timestamptz, until timestamptz)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with place as materialized (
    select _wedding_dbopt.setting_value('time_zone') as zone
  ), calendar as materialized (
    select * from _wedding_dbopt.calendar() c where c.enabled
  ), week as (
    select f.name, f.reason, f.season, d.day, (d.day + f.from_time) at time zone p.zone as since, (d.day + f.until_time) at time zone p.zone as until
    from place p cross join _wedding_dbopt.freeze f
    cross join lateral (select (freezes_between.since at time zone p.zone)::date + n as day
                        from generate_series(0, (freezes_between.until at time zone p.zone)::date - (freezes_between.since at time zone p.zone)::date) n) d
    where f.enabled and f.weekday = extract(isodow from d.day)
  )
  select f.name, f.reason, f.starts_at, f.ends_at
  from _wedding_dbopt.freeze f
  where f.enabled and f.starts_at < freezes_between.until and f.ends_at > freezes_between.since
  union all
  select w.name, w.reason, w.since, w.until
  from week w
  where w.since < freezes_between.until and w.until > freezes_between.since
    and (w.season is null or exists (select from calendar c where c.name = w.season and _wedding_dbopt.in_season(w.day, c.first_day, c.last_day)))
$$;
comment on function _wedding_dbopt.freezes_between(timestamptz, timestamptz) is
  'The windows of all enabled freezes that touch a span, in the configured time zone; those of a season only on its days.';
