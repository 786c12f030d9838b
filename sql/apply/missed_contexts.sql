create or replace function _wedding_dbopt.missed_contexts(at timestamptz)
returns table (context text, calls bigint, slow bigint, reason text)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  select w.context, w.calls::bigint, w.above_low::bigint,
         format('at least %s of %s calls of %s in five minutes were slower than %s ms', w.above_low, w.calls, w.context, o.latency_ms)
  from _wedding_dbopt.context_windows(missed_contexts.at) w
  join _wedding_dbopt.objective o on o.context = w.context
  where w.span = '5m' and w.above_low >= 10 and w.above_low > w.calls * (1 - o.success_target)
    and (w.above_low >= 0.5 * w.calls
         or exists (select from _wedding_dbopt.statement s where s.context = w.context and s.criticality = 'critical'))
$$;
comment on function _wedding_dbopt.missed_contexts(timestamptz) is
  'Business contexts that miss their objective now for certain and matter at once: they hold critical statements, or half of their calls are slow.';
