create or replace function _wedding_dbopt.context_passes(since timestamptz, until timestamptz)
returns table(at timestamptz, previous_at timestamptz, context text, calls bigint, exec_ms float8)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with summed as (
    select delta.at, delta.previous_at,
           case when not statement.own and statement.dbid = (select oid from pg_database where datname = current_database())
                then coalesce(statement.context, 'other') end as context,
           sum(delta.calls)::bigint as calls, sum(delta.exec_ms) as exec_ms
    from _wedding_dbopt.statement_delta(context_passes.since, context_passes.until) as delta
    join _wedding_dbopt.statement on statement.id = delta.statement_id
    where delta.previous_at is not null
    group by 1, 2, 3
  )
  select pass.at, pass.previous_at, known.context, coalesce(summed.calls, 0), coalesce(summed.exec_ms, 0)
  from (select distinct summed.at, summed.previous_at from summed) as pass
  cross join _wedding_dbopt.contexts() as known
  left join summed on summed.at = pass.at and summed.context = known.context
$$;
comment on function _wedding_dbopt.context_passes(timestamptz, timestamptz) is
  'Calls and execution time per collection pass and business context; a context without calls in a pass counts as zero.';
