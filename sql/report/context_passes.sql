create or replace function _wedding_dbopt.context_passes(since timestamptz, until timestamptz)
returns table(at timestamptz, previous_at timestamptz, context text, calls bigint, exec_ms float8)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select pass.at, pass.previous_at, known.context, coalesce(load.calls, 0), coalesce(load.exec_ms, 0)
  from _wedding_dbopt.statement_sample as pass
  cross join _wedding_dbopt.contexts() as known
  left join _wedding_dbopt.context_sample as load
    on load.at = pass.at and load.context = known.context
    and load.at > context_passes.since and load.at <= context_passes.until
  where pass.at > context_passes.since and pass.at <= context_passes.until and pass.previous_at is not null
$$;
comment on function _wedding_dbopt.context_passes(timestamptz, timestamptz) is
  'Calls and execution time per collection pass and business context; a context without calls in a pass counts as zero.';
