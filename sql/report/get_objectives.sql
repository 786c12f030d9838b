create or replace function wedding_dbopt.get_objectives(time_window interval default '1 hour', at timestamptz default now())
returns table(context text, objective_ms numeric, calls bigint, average_ms numeric, stddev_ms numeric,
              share_above_at_most numeric, met boolean, slowest_queryid text, slowest_query text, slowest_average_ms numeric,
              p50_ms numeric, p95_ms numeric, p95_low numeric, p95_high numeric, p99_ms numeric, p99_low numeric, p99_high numeric,
              calls_above numeric, calls_above_low bigint, calls_above_high bigint,
              attainment_percent numeric, attainment_low numeric, attainment_high numeric)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  since constant timestamptz := _wedding_dbopt.window_start(get_objectives.at, get_objectives.time_window);
begin
  perform _wedding_dbopt.require(get_objectives.time_window > interval '0', 'time_window must be positive', 'For example ''1 hour''.');
  return query
  with workload as materialized (
    select * from _wedding_dbopt.workload_time(since, get_objectives.at, true)
  ), summed as (
    select workload.context, sum(workload.calls)::bigint as calls,
           sum(workload.exec_ms) / sum(workload.calls) as mean,
           greatest(sum(workload.exec_sq) / sum(workload.calls) - (sum(workload.exec_ms) / sum(workload.calls)) ^ 2, 0) as variance
    from workload
    group by workload.context
  ), slowest as (
    select distinct on (workload.context) workload.context, workload.statement_id, workload.queryid,
           workload.exec_ms / workload.calls as mean
    from workload
    order by workload.context, workload.exec_ms / workload.calls desc
  ), percentile as (
    select found.context,
           max(found.estimate) filter (where found.share = 0.5) as p50,
           max(found.low) filter (where found.share = 0.95) as p95_low, max(found.estimate) filter (where found.share = 0.95) as p95,
           max(found.high) filter (where found.share = 0.95) as p95_high,
           max(found.low) filter (where found.share = 0.99) as p99_low, max(found.estimate) filter (where found.share = 0.99) as p99,
           max(found.high) filter (where found.share = 0.99) as p99_high
    from (select array_agg(w.context) as contexts, array_agg(w.calls) as calls, array_agg(w.exec_ms) as exec_ms, array_agg(w.exec_sq) as exec_sq
          from workload as w) as load
    cross join lateral _wedding_dbopt.mixture_percentiles(load.contexts, load.calls, load.exec_ms, load.exec_sq) as found
    group by found.context
  ), slow as (
    select load.context, sum(load.calls) as calls, sum(load.above) as above, sum(load.above_low)::bigint as low, sum(load.above_high)::bigint as high
    from _wedding_dbopt.context_hours(since, get_objectives.at) as load
    where load.above is not null
    group by load.context
  )
  select objective.context, objective.latency_ms, coalesce(summed.calls, 0),
         round(summed.mean::numeric, 6), round(sqrt(summed.variance)::numeric, 6),
         case when summed.mean < objective.latency_ms
              then round((summed.variance / (summed.variance + (objective.latency_ms - summed.mean) ^ 2))::numeric, 6) end,
         summed.mean <= objective.latency_ms,
         slowest.queryid::text, _wedding_dbopt.statement_query(slowest.statement_id), round(slowest.mean::numeric, 6),
         round(percentile.p50::numeric, 6), round(percentile.p95::numeric, 6), round(percentile.p95_low::numeric, 6),
         round(percentile.p95_high::numeric, 6), round(percentile.p99::numeric, 6), round(percentile.p99_low::numeric, 6),
         round(percentile.p99_high::numeric, 6),
         round(slow.above::numeric, 3), slow.low, slow.high,
         round((100 * (1 - slow.above / slow.calls::float8))::numeric, 4), round((100 * (1 - slow.high / slow.calls)), 4),
         round((100 * (1 - slow.low / slow.calls)), 4)
  from _wedding_dbopt.objective
  join _wedding_dbopt.contexts() as known on known.context = objective.context
  left join summed on summed.context = objective.context
  left join slowest on slowest.context = objective.context
  left join percentile on percentile.context = objective.context
  left join slow on slow.context = objective.context
  order by known.place;
end $$;
comment on function wedding_dbopt.get_objectives(interval, timestamptz) is
  'Each business context against its latency objective in the window, milliseconds. met compares the average (null without calls). share_above_at_most bounds the share of calls slower than the objective (Cantelli''s inequality from mean and deviation: true whatever the distribution), null when the average itself is above. p95_ms, p99_ms and calls_above are estimates, the truth lies between _low and _high for certain; attainment_percent is the share of calls within the objective of the time they ran.';
