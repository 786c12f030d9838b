-- Passes where hours are not rolled up yet, hours before that: some hundred small rows at each call.
create or replace function _wedding_dbopt.context_windows(at timestamptz)
returns table (context text, span text, minutes float8, calls float8, above float8, above_low float8)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
begin
  return query
  select x.context, x.span, x.minutes::float8, x.calls::float8, x.above::float8, x.above_low::float8 from (
  with recent as materialized (
    select p.context, p.at, p.previous_at, p.calls, p.above, p.above_low,
      p.at > (select coalesce(max(r.hour) + interval '1 hour', '-infinity') from _wedding_dbopt.rolled_hour r
              where r.hour <= context_windows.at - interval '1 hour') as open
    from _wedding_dbopt.context_sample p
    where p.at > (select least(context_windows.at - interval '1 hour', greatest(context_windows.at - interval '6 hours', max(r.hour) + interval '1 hour'))
                  from _wedding_dbopt.rolled_hour r where r.hour <= context_windows.at - interval '1 hour')
      and p.at <= context_windows.at and p.above is not null
  ), summed as (
    select r.context, sum(r.calls) filter (where r.at = last.at) as calls_now, sum(r.above) filter (where r.at = last.at) as above_now,
      sum(r.above_low) filter (where r.at = last.at) as low_now, min(extract(epoch from r.at - r.previous_at)) filter (where r.at = last.at) / 60 as minutes_now,
      sum(r.calls) filter (where r.at > context_windows.at - interval '5 minutes') as calls_5m,
      sum(r.above) filter (where r.at > context_windows.at - interval '5 minutes') as above_5m,
      sum(r.above_low) filter (where r.at > context_windows.at - interval '5 minutes') as low_5m,
      sum(r.calls) filter (where r.at > context_windows.at - interval '30 minutes') as calls_30m,
      sum(r.above) filter (where r.at > context_windows.at - interval '30 minutes') as above_30m,
      sum(r.above_low) filter (where r.at > context_windows.at - interval '30 minutes') as low_30m,
      sum(r.calls) filter (where r.at > context_windows.at - interval '1 hour') as calls_1h,
      sum(r.above) filter (where r.at > context_windows.at - interval '1 hour') as above_1h,
      sum(r.above_low) filter (where r.at > context_windows.at - interval '1 hour') as low_1h,
      sum(r.calls) filter (where r.open) as calls_open, sum(r.above) filter (where r.open) as above_open,
      sum(r.above_low) filter (where r.open) as low_open
    from recent r cross join (select max(p.at) as at from recent p where p.at > context_windows.at - interval '2 minutes') as last
    group by r.context
  ), rolled as (
    select h.context, sum(h.calls) filter (where h.hour >= context_windows.at - interval '6 hours') as calls_6h,
      sum(h.above) filter (where h.hour >= context_windows.at - interval '6 hours') as above_6h,
      sum(h.above_low) filter (where h.hour >= context_windows.at - interval '6 hours') as low_6h,
      sum(h.calls) as calls_3d, sum(h.above) as above_3d, sum(h.above_low) as low_3d, count(*) as hours
    from _wedding_dbopt.context_hour h
    where h.hour >= context_windows.at - interval '3 days' and h.hour + interval '1 hour' <= context_windows.at and h.above is not null
    group by h.context
  )
  select s.context, w.span, w.minutes, w.calls, w.above, w.low
  from summed s left join rolled r using (context)
  cross join lateral (values
    ('now', s.minutes_now, s.calls_now, s.above_now, s.low_now),
    ('5m', 5, s.calls_5m, s.above_5m, s.low_5m),
    ('30m', 30, s.calls_30m, s.above_30m, s.low_30m),
    ('1h', 60, s.calls_1h, s.above_1h, s.low_1h),
    ('6h', 360, coalesce(r.calls_6h, 0) + coalesce(s.calls_open, 0), coalesce(r.above_6h, 0) + coalesce(s.above_open, 0), coalesce(r.low_6h, 0) + coalesce(s.low_open, 0)),
    ('3d', 60 * coalesce(r.hours, 0), coalesce(r.calls_3d, 0) + coalesce(s.calls_open, 0), coalesce(r.above_3d, 0) + coalesce(s.above_open, 0), coalesce(r.low_3d, 0) + coalesce(s.low_open, 0))
  ) as w (span, minutes, calls, above, low)
  where w.calls > 0
  ) as x (context, span, minutes, calls, above, above_low);
end $$;
comment on function _wedding_dbopt.context_windows(timestamptz) is
  'Calls and calls above the objective (estimated, and at least) of each context in the windows of the burn rates: now (the last pass), 5m, 30m, 1h, and 6h and 3d by whole hours; minutes of 3d counts only hours with data.';
