create or replace function _wedding_dbopt.context_sum(since timestamptz, until timestamptz)
returns table(context text, calls bigint, mean_ms float8, cache_hit_percent float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select coalesce(workload.context, 'all'), sum(workload.calls)::bigint, sum(workload.exec_ms) / sum(workload.calls),
         100.0 * sum(workload.hit) / nullif(sum(workload.hit) + sum(workload.read), 0)
  from _wedding_dbopt.workload(context_sum.since, context_sum.until) as workload
  group by grouping sets ((workload.context), ())
  having sum(workload.calls) > 0
$$;
comment on function _wedding_dbopt.context_sum(timestamptz, timestamptz) is
  'Calls, mean milliseconds and buffer hits of a window per business context, and of all together.';
