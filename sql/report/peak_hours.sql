-- Medians over the days, so that a holiday or a surge does not move a peak. An hour is a peak when it is a quarter above the
-- middle hour of the day and nothing within two hours is higher; hours beside it that reach nine tenths belong to it.
create or replace function _wedding_dbopt.peak_hours(since timestamptz, until timestamptz, time_zone text)
returns table (hour_of_day integer, calls_per_hour float8, days integer, factor float8, share_of_days float8, is_peak boolean)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with hour as materialized (
    select _wedding_dbopt.local_hour(h.hour, peak_hours.time_zone) as local_hour, sum(h.calls)::float8 as calls
    from _wedding_dbopt.context_hours(peak_hours.since, peak_hours.until) h
    where h.hour >= peak_hours.since and h.hour + interval '1 hour' <= peak_hours.until
    group by 1
  ), day as (
    select h.local_hour / 24 as day, percentile_cont(0.5) within group (order by h.calls) as middle
    from hour h group by 1 having count(*) >= 20
  ), of_day as materialized (
    select h.local_hour % 24 as hour, percentile_cont(0.5) within group (order by h.calls) as calls, count(*)::integer as days,
           avg((h.calls >= 1.25 * d.middle)::integer::float8) as share
    from hour h left join day d on d.day = h.local_hour / 24
    group by 1
  ), typical as (
    select percentile_cont(0.5) within group (order by o.calls) as middle, count(*) as hours from of_day o
  ), top as materialized (
    select o.hour, o.calls from of_day o, typical t
    where t.hours >= 3 and o.calls >= 1.25 * t.middle and o.calls > 0
      and not exists (select from of_day near where (near.hour - o.hour + 26) % 24 <= 4 and near.calls > o.calls)
  )
  select o.hour, o.calls, o.days, o.calls / nullif(t.middle, 0), o.share,
         exists (select from top where top.hour = o.hour
                 or ((o.hour - top.hour + 25) % 24 <= 2 and o.calls >= 0.9 * top.calls and o.calls >= 1.25 * t.middle))
  from of_day o, typical t
$$;
comment on function _wedding_dbopt.peak_hours(timestamptz, timestamptz, text) is
  'Each local hour of the day: its median calls, against the middle hour, on which share of the days it was a quarter above that day''s middle hour, and whether it is a peak.';
