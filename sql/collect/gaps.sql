create or replace function _wedding_dbopt.gaps(since timestamptz, until timestamptz)
returns table (gap_start timestamptz, gap_end timestamptz, gap interval, missed integer)
language sql stable security invoker
set search_path = pg_catalog, pg_temp as $$
  with pass as (
    select l.at from _wedding_dbopt.collect_log l
    where l.source = 'pass' and l.reason is null and l.at <= gaps.until
      and l.at >= coalesce((select max(p.at) from _wedding_dbopt.collect_log p
                            where p.source = 'pass' and p.reason is null and p.at <= gaps.since), gaps.since)
    union
    select gaps.until
  ), step as (
    select lag(p.at) over (order by p.at) as previous_at, p.at from pass p
  )
  select s.previous_at, s.at, s.at - s.previous_at, round(extract(epoch from s.at - s.previous_at) / 60)::integer - 1
  from step s
  where s.at - s.previous_at > interval '2 minutes'
  order by s.at
$$;
comment on function _wedding_dbopt.gaps(timestamptz, timestamptz) is
  'Intervals of more than two minutes in which no pass of collect() was taken whole, and how many are missing; the first may begin before the window, the last one may reach up to its end.';
