create or replace function wedding_dbopt.get_query_performance(
  limit_count integer default 100, min_calls bigint default 10,
  time_window interval default '24 hours', at timestamptz default now())
returns table(queryid text, query text, calls bigint, mean_exec_time numeric, stddev_exec_time numeric, total_exec_time numeric,
              rows bigint, shared_blks_hit bigint, shared_blks_read bigint, cache_hit_ratio numeric,
              wedding_context text, business_criticality text,
              query_hash text, avg_duration numeric, total_calls bigint, rows_examined bigint, rows_returned bigint,
              objective_ms numeric, objective_met boolean, complete boolean,
              p50_ms numeric, p50_low numeric, p50_high numeric, p95_ms numeric, p95_low numeric, p95_high numeric,
              p99_ms numeric, p99_low numeric, p99_high numeric)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  since    constant timestamptz := _wedding_dbopt.window_start(get_query_performance.at, get_query_performance.time_window);
  is_whole constant boolean := _wedding_dbopt.is_complete(since, get_query_performance.at);
begin
  perform _wedding_dbopt.require(get_query_performance.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  perform _wedding_dbopt.require(get_query_performance.min_calls >= 0, 'min_calls must not be negative', 'Use 0 for all statements.');
  perform _wedding_dbopt.require(get_query_performance.time_window > interval '0', 'time_window must be positive', 'For example ''24 hours''.');
  return query
  with used as materialized (
    select workload.statement_id, workload.queryid, workload.tables, workload.calls::float8 as calls, workload.exec_ms
    from _wedding_dbopt.workload_time(since, get_query_performance.at) as workload
  ), dearest as materialized (
    -- One row per query id: the same statement issued by several roles, or inside functions, is one query here.
    select used.queryid
    from used
    group by used.queryid
    having sum(used.calls) >= get_query_performance.min_calls
    order by sum(used.exec_ms) desc, used.queryid
    limit get_query_performance.limit_count
  ), member as materialized (
    select used.* from used where (used.queryid in (select dearest.queryid from dearest)) is true  -- looked up in a hash; a join could be planned as a loop
  ), top as materialized (
    -- Blocks and rows are asked for these only; times and blocks are brought together by a sum, which cannot be planned as a loop either.
    select figure.queryid, min(figure.statement_id) as statement_id, sum(figure.calls)::bigint as calls, sum(figure.exec_ms) as exec_ms,
           sum(figure.exec_sq) as exec_sq, sum(figure.rows)::bigint as rows, sum(figure.hit)::bigint as hit, sum(figure.read)::bigint as read
    from (select member.queryid, member.statement_id, member.calls, member.exec_ms, 0 as exec_sq, 0 as rows, 0 as hit, 0 as read from member
          union all
          select statement.queryid, work.statement_id, 0, 0, work.exec_sq, work.rows, work.hit, work.read
          from _wedding_dbopt.statement_work(array(select member.statement_id from member), since, get_query_performance.at) as work
          cross join lateral (select statement.queryid from _wedding_dbopt.statement where statement.id = work.statement_id offset 0) as statement) as figure
    group by figure.queryid
  ), sole_reader as materialized (
    select touched.name, min(touched.queryid) as queryid
    from (select unnest(used.tables) as name, used.queryid
          from used
          where used.tables && array(select distinct unnest(member.tables) from member)) as touched
    group by touched.name
    having min(touched.queryid) = max(touched.queryid)
  ), delta as (
    -- Not table_delta(), which unpacks five times as many columns.
    select moved.relid, coalesce(sum(moved.seq_tup_read::float8), 0) + coalesce(sum(moved.idx_tup_fetch::float8), 0) as rows
    from (select unnest(sample.relids) as relid, unnest(sample.seq_tup_read) as seq_tup_read, unnest(sample.idx_tup_fetch) as idx_tup_fetch
          from _wedding_dbopt.table_sample as sample
          where sample.at > since and sample.at <= get_query_performance.at
            and exists (select from sole_reader)) as moved  -- asked before the tables' samples are read
    group by moved.relid
  ), read_rows as (
    select sole_reader.queryid, sum(delta.rows)::bigint as rows, count(*) as tables
    from delta
    join pg_class on pg_class.oid = delta.relid
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    join sole_reader on sole_reader.name = format('%I.%I', pg_namespace.nspname, pg_class.relname)
    group by sole_reader.queryid
  )
  select top.queryid::text, _wedding_dbopt.statement_query(top.statement_id), top.calls,
         round((top.exec_ms / top.calls)::numeric, 6),
         round(sqrt(greatest(top.exec_sq / top.calls - (top.exec_ms / top.calls) ^ 2, 0))::numeric, 6),
         round(top.exec_ms::numeric, 3),
         top.rows, top.hit, top.read, round(top.hit::numeric / nullif(top.hit + top.read, 0), 6),
         coalesce(statement.context, 'other'), coalesce(statement.criticality, 'medium'),
         top.queryid::text, round((top.exec_ms / top.calls)::numeric, 6), top.calls,
         case when read_rows.tables = cardinality(statement.tables) then read_rows.rows end, top.rows,
         objective.latency_ms, top.exec_ms / top.calls <= objective.latency_ms,
         is_whole,
         round(_wedding_dbopt.percentile_ms(top.calls, top.exec_ms, top.exec_sq, 0.5, 0)::numeric, 6),
         round(_wedding_dbopt.percentile_low(top.calls, top.exec_ms, top.exec_sq, 0.5)::numeric, 6),
         round(_wedding_dbopt.percentile_high(top.calls, top.exec_ms, top.exec_sq, 0.5)::numeric, 6),
         round(_wedding_dbopt.percentile_ms(top.calls, top.exec_ms, top.exec_sq, 0.95, 1.6448536269514722)::numeric, 6),
         round(_wedding_dbopt.percentile_low(top.calls, top.exec_ms, top.exec_sq, 0.95)::numeric, 6),
         round(_wedding_dbopt.percentile_high(top.calls, top.exec_ms, top.exec_sq, 0.95)::numeric, 6),
         round(_wedding_dbopt.percentile_ms(top.calls, top.exec_ms, top.exec_sq, 0.99, 2.3263478740408408)::numeric, 6),
         round(_wedding_dbopt.percentile_low(top.calls, top.exec_ms, top.exec_sq, 0.99)::numeric, 6),
         round(_wedding_dbopt.percentile_high(top.calls, top.exec_ms, top.exec_sq, 0.99)::numeric, 6)
  from top
  cross join lateral (select statement.* from _wedding_dbopt.statement where statement.id = top.statement_id offset 0) as statement
  left join _wedding_dbopt.objective on objective.context = coalesce(statement.context, 'other')
  left join read_rows on read_rows.queryid = top.queryid
  order by top.exec_ms desc, top.queryid;
end $$;
comment on function wedding_dbopt.get_query_performance(integer, bigint, interval, timestamptz) is
  'The statements that took the most time in the window, times in milliseconds. rows_examined is known only for a statement that alone touches its tables, else null; rows_returned also counts rows written; cache_hit_ratio is 0 to 1; objective_met compares the mean; query is null for those who may not read statement texts; complete is false when collection missed calls in the window; p50_ms, p95_ms and p99_ms are estimates by a lognormal distribution, the true percentile lies between _low and _high whatever the distribution.';
