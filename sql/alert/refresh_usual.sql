create or replace function _wedding_dbopt.refresh_usual(at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with hour as (
    select h.hour, s.id, s.calls::float8 as calls, s.exec_us / 1000.0::float8 as exec_ms, coalesce(s.exec_sq, 0)::float8 as exec_sq,
      (coalesce(s.hit, 0) + coalesce(s.read, 0))::float8 as blocks, 60 * s.calls / nullif(r.observed_s, 0) as rate
    from _wedding_dbopt.statement_hour h
    join _wedding_dbopt.rolled_hour r using (hour)
    cross join lateral unnest(h.ids, h.calls, h.exec_us, h.exec_sq, h.hit, h.read) as s (id, calls, exec_us, exec_sq, hit, read)
    where h.hour >= refresh_usual.at - interval '25 hours' and h.hour + interval '1 hour' <= refresh_usual.at and s.calls > 0
  ), covered as (
    select max(r.hour) as last_hour, sum(r.observed_s) / 60 as minutes from _wedding_dbopt.rolled_hour r
    where r.hour >= refresh_usual.at - interval '25 hours' and r.hour + interval '1 hour' <= refresh_usual.at
  ), heavy as (
    select hour.id from hour group by hour.id order by sum(hour.exec_ms) desc limit 1000
  ), figures as (
    select hour.id, sum(hour.calls) as calls, max(hour.rate) filter (where hour.hour in (covered.last_hour, covered.last_hour - interval '23 hours')) as rate,
      percentile_cont(array[0.5, 0.84]) within group (order by hour.exec_ms / hour.calls) as mean,
      percentile_cont(0.5) within group (order by sqrt(greatest(hour.exec_sq / hour.calls - (hour.exec_ms / hour.calls) ^ 2, 0))) as call_spread,
      percentile_cont(array[0.5, 0.84]) within group (order by hour.blocks / hour.calls) as blocks,
      count(*)::integer as hours, min(covered.minutes) as minutes
    from hour join heavy using (id) cross join covered
    group by hour.id
  ), usual as (
    select f.id as statement_id, greatest(f.rate, f.calls / f.minutes) as calls_per_minute, f.mean[1] as mean_ms, f.mean[2] - f.mean[1] as mean_spread,
      f.call_spread, f.blocks[1] as blocks, f.blocks[2] - f.blocks[1] as blocks_spread, f.hours
    from figures f
  ), forgotten as (
    delete from _wedding_dbopt.statement_usual u where u.statement_id not in (select n.statement_id from usual n)
  )
  insert into _wedding_dbopt.statement_usual as u
    (statement_id, calls_per_minute, mean_ms, mean_spread, call_spread, blocks, blocks_spread, hours)
  select n.* from usual n
  on conflict (statement_id) do update set calls_per_minute = excluded.calls_per_minute, mean_ms = excluded.mean_ms, mean_spread = excluded.mean_spread,
    call_spread = excluded.call_spread, blocks = excluded.blocks, blocks_spread = excluded.blocks_spread, hours = excluded.hours
  where (u.*) is distinct from (excluded.*);
$$;
comment on function _wedding_dbopt.refresh_usual(timestamptz) is
  'Notes what the thousand heaviest statements of the last day usually do; the usual traffic is the greatest of the day''s average, the last hour and the coming hour a day ago.';
