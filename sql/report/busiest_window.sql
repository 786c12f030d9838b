create or replace function _wedding_dbopt.busiest_window(at timestamptz) returns table (since timestamptz, until timestamptz, seconds float8, calls_per_second float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with pass as materialized (
    select p.at, min(p.previous_at) as previous_at, sum(p.calls) as calls
    from _wedding_dbopt.context_sample p
    where p.at > busiest_window.at - interval '24 hours' and p.at <= busiest_window.at and p.previous_at < p.at
    group by p.at
  ), slot as (
    select date_bin('5 minutes', p.at - interval '1 microsecond', busiest_window.at) as slot, min(p.previous_at) as since, max(p.at) as until,
           sum(extract(epoch from p.at - p.previous_at))::float8 as seconds, sum(p.calls)::float8 as calls
    from pass p group by 1
  )
  select s.since, s.until, s.seconds, s.calls / s.seconds from slot s
  where s.seconds >= least(180, (select max(o.seconds) from slot o))  -- a slot that was hardly seen says little
  order by s.calls / s.seconds desc limit 1
$$;
comment on function _wedding_dbopt.busiest_window(timestamptz) is 'The busiest five minutes of the last day, and how much of them was observed.';
