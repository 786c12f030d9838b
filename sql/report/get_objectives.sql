create or replace function wedding_dbopt.get_objectives(time_window interval default '1 hour', at timestamptz default now())
returns table(context text, objective_ms numeric, calls bigint, average_ms numeric, stddev_ms numeric,
              share_above_at_most numeric, met boolean, slowest_queryid text, slowest_query text, slowest_average_ms numeric)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
begin
  perform _wedding_dbopt.require(get_objectives.time_window > interval '0', 'time_window must be positive', 'For example ''1 hour''.');
  return query
  with workload as materialized (
    select * from _wedding_dbopt.workload(get_objectives.at - get_objectives.time_window, get_objectives.at)
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
  )
  select objective.context, objective.latency_ms, coalesce(summed.calls, 0),
         round(summed.mean::numeric, 6), round(sqrt(summed.variance)::numeric, 6),
         case when summed.mean < objective.latency_ms
              then round((summed.variance / (summed.variance + (objective.latency_ms - summed.mean) ^ 2))::numeric, 6) end,
         summed.mean <= objective.latency_ms,
         slowest.queryid::text, statement_text.query, round(slowest.mean::numeric, 6)
  from _wedding_dbopt.objective
  join _wedding_dbopt.contexts() as known on known.context = objective.context
  left join summed on summed.context = objective.context
  left join slowest on slowest.context = objective.context
  left join _wedding_dbopt.statement_text on statement_text.statement_id = slowest.statement_id
  order by known.place;
end $$;
comment on function wedding_dbopt.get_objectives(interval, timestamptz) is
  'Each business context against its latency objective in the window, milliseconds. met compares the average (null without calls). share_above_at_most bounds the share of calls slower than the objective (Cantelli''s inequality from mean and deviation: true whatever the distribution), null when the average itself is above.';
