-- The heaviest are chosen from two columns, so only their rows are worked on in full.
create or replace function _wedding_dbopt.refresh_usual(at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with covered as materialized (
    select max(r.hour) as last_hour, sum(r.observed_s) / 60 as minutes from _wedding_dbopt.rolled_hour r
    where r.hour >= refresh_usual.at - interval '25 hours' and r.hour + interval '1 hour' <= refresh_usual.at
  ), heavy as (
    select s.id
    from (select unnest(h.ids) as id, unnest(h.exec_us) as exec_us from _wedding_dbopt.statement_hour h join _wedding_dbopt.rolled_hour r using (hour)
          where h.hour >= refresh_usual.at - interval '25 hours' and h.hour + interval '1 hour' <= refresh_usual.at) s
    group by s.id order by sum(s.exec_us::float8) desc limit 1000
  ), hour as (
    select s.hour, s.id, s.calls::float8 as calls, s.exec_us / 1000.0::float8 as exec_ms, coalesce(s.exec_sq, 0)::float8 as exec_sq,
      (coalesce(s.hit, 0) + coalesce(s.read, 0))::float8 as blocks, 60 * s.calls / nullif(s.observed_s, 0) as rate
    from (select h.hour, r.observed_s, unnest(h.ids) as id, unnest(h.calls) as calls, unnest(h.exec_us) as exec_us, unnest(h.exec_sq) as exec_sq,
            unnest(h.hit) as hit, unnest(h.read) as read
          from _wedding_dbopt.statement_hour h join _wedding_dbopt.rolled_hour r using (hour)
          where h.hour >= refresh_usual.at - interval '25 hours' and h.hour + interval '1 hour' <= refresh_usual.at) s
    where s.calls > 0 and (s.id in (select heavy.id from heavy)) is true  -- looked up in a hash; a join would be planned for few rows
  ), figures as (
    select hour.id, sum(hour.calls) as calls, max(hour.rate) filter (where hour.hour in (covered.last_hour, covered.last_hour - interval '23 hours')) as rate,
      percentile_cont(array[0.5, 0.84]) within group (order by hour.exec_ms / hour.calls) as mean,
      percentile_cont(0.5) within group (order by sqrt(greatest(hour.exec_sq / hour.calls - (hour.exec_ms / hour.calls) ^ 2, 0))) as call_spread,
      percentile_cont(array[0.5, 0.84]) within group (order by hour.blocks / hour.calls) as blocks,
      count(*)::integer as hours, min(covered.minutes) as minutes
    from hour cross join covered
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
