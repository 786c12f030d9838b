create or replace function wedding_dbopt.get_verification(action_id bigint) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  deed _wedding_dbopt.action;
begin
  select * into deed from _wedding_dbopt.action a where a.id = get_verification.action_id;
  if deed.id is null then
    raise exception using errcode = '22023', message = format('there is no action %s', get_verification.action_id),
      hint = 'SELECT id, description, state FROM wedding_dbopt.get_actions();';
  end if;
  return jsonb_build_object(
    'action_id', deed.id, 'action_type', deed.action_type, 'description', deed.description, 'state', deed.state,
    'sql', to_jsonb(deed.sql), 'rollback_sql', to_jsonb(deed.rollback_sql), 'applied_at', deed.applied_at,
    'verdict', split_part(deed.verdict, ':', 1), 'reason', deed.verdict,
    'looks', deed.looks, 'looked_at', deed.looked_at, 'missing', deed.judgement -> 'missing',
    'estimated_percent', deed.estimated_impact, 'measured_percent', deed.measured_impact,
    'measured_low', deed.impact_low, 'measured_high', deed.impact_high,
    'calls', deed.judgement -> 'calls', 'p_value', deed.judgement -> 'gain_p_value',
    'blocks_percent', deed.judgement -> 'blocks_gain_percent', 'blocks_low', deed.judgement -> 'blocks_low_percent',
    'blocks_high', deed.judgement -> 'blocks_high_percent',
    'control', jsonb_build_object('statements', deed.judgement -> 'control_statements', 'time_factor', deed.judgement -> 'drift'),
    'same_hours', deed.judgement -> 'same_hours',
    'hot_updates', _wedding_dbopt.hot_updates(deed.id, coalesce(deed.looked_at, now())),
    'statements', coalesce((
      select jsonb_agg(jsonb_build_object(
        'query_hash', s.queryid::text, 'query', _wedding_dbopt.statement_query(v.statement_id), 'context', s.context, 'criticality', s.criticality, 'role', v.role, 'verdict', v.verdict,
        'before', jsonb_build_object('calls', v.before_calls, 'mean_ms', round(v.before_ms::numeric, 6), 'sd_ms', round(v.before_sd_ms::numeric, 6),
          'blocks', round(v.before_blocks::numeric, 3), 'wal_bytes', round(v.before_wal::numeric, 1), 'plan', old.plan),
        'after', jsonb_build_object('calls', v.after_calls, 'mean_ms', round(v.after_ms::numeric, 6), 'sd_ms', round(v.after_sd_ms::numeric, 6),
          'blocks', round(v.after_blocks::numeric, 3), 'wal_bytes', round(v.after_wal::numeric, 1), 'plan', new.plan),
        'time_change_percent', round((100 * v.time_change)::numeric, 2), 'time_low_percent', round((100 * v.time_low)::numeric, 2),
        'time_high_percent', round((100 * v.time_high)::numeric, 2), 'p_value', v.p_value,
        'blocks_change_percent', round((100 * v.blocks_change)::numeric, 2),
        'wal_change_percent', round((100 * (v.after_wal / nullif(v.before_wal, 0) - 1))::numeric, 2))
        order by v.role, v.before_calls * v.before_ms desc nulls last, v.statement_id)
      from _wedding_dbopt.verification v
      left join _wedding_dbopt.statement s on s.id = v.statement_id
      left join lateral (  -- the plan that tuning runs saw last before the change, and the last one since
        select jsonb_build_object('shape', p.shape, 'cost', p.cost, 'seen_at', p.last_seen) as plan
        from _wedding_dbopt.statement_plan p where p.statement_id = v.statement_id and p.first_seen < deed.started_at
        order by least(p.last_seen, deed.started_at) desc, p.first_seen desc limit 1) old on true
      left join lateral (
        select jsonb_build_object('shape', p.shape, 'cost', p.cost, 'seen_at', p.last_seen) as plan
        from _wedding_dbopt.statement_plan p where p.statement_id = v.statement_id and p.last_seen >= deed.applied_at
        order by p.last_seen desc limit 1) new on true
      where v.action_id = deed.id), '[]'));
end $$;
comment on function wedding_dbopt.get_verification(bigint) is
  'One action before and after: the verdict with number of calls, interval (95 %) and p-value, what the control group says of the load, how many updates of its table stayed in their page (HOT), and each statement''s calls, ms, blocks and WAL per call with the plans that tuning runs saw. Percent of gain for the action, of change for a statement.';
