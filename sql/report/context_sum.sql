create or replace function _wedding_dbopt.context_sum(since timestamptz, until timestamptz)
returns table(context text, calls bigint, mean_ms float8, exec_sq float8, cache_hit_percent float8, within numeric)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select coalesce(load.context, 'all'), sum(load.calls)::bigint, sum(load.exec_ms) / sum(load.calls), sum(load.exec_sq),
         100.0 * sum(load.hit) / nullif(sum(load.hit) + sum(load.read), 0),
         1 - sum(load.above_low) filter (where load.above is not null) / sum(load.calls) filter (where load.above is not null)
  from _wedding_dbopt.context_hours(context_sum.since, context_sum.until) as load
  group by grouping sets ((load.context), ())
  having sum(load.calls) > 0
$$;
comment on function _wedding_dbopt.context_sum(timestamptz, timestamptz) is
  'Calls, mean milliseconds, sum of squared milliseconds and buffer hits of a window per business context, and of all together; within is the greatest share of calls that can have been as fast as the objective of their time.';
