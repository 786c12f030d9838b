-- Only when an alert opens or gets worse. The first is the most likely: a session that blocks others, traffic that explains
-- more than slowness does, a change on the tables of the statement that takes too long, then the statements themselves.
create or replace function _wedding_dbopt.alert_suspects(signal _wedding_dbopt.alert_signal, at timestamptz) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  statement  constant integer := (signal.evidence ->> 'statement_id')::integer;
  by_load    constant boolean := signal.kind in ('objective_breach', 'budget_burn_fast', 'budget_burn', 'budget_burn_slow', 'statement_regression', 'pile_up', 'connections', 'cpu');
  blocker    jsonb := case when by_load or signal.kind in ('lock_waits', 'deadlocks') then _wedding_dbopt.suspect_session(alert_suspects.at) end;
  traffic    record;
  culprit    record;
  changes    jsonb;
  statements jsonb := '[]'::jsonb;
  found_list jsonb := '[]'::jsonb;
begin
  case signal.kind
    when 'idle_in_transaction' then
      return jsonb_build_array(signal.evidence || jsonb_build_object('type', 'session', 'text', signal.message));
    when 'evictions', 'statements_full' then
      return jsonb_build_array(_wedding_dbopt.suspect_room(alert_suspects.at));
    when 'action_failed' then
      return jsonb_build_array(signal.evidence || jsonb_build_object('type', 'our_action', 'text', signal.message));
    when 'surge' then
      return jsonb_build_array(signal.evidence || jsonb_build_object('type', 'surge', 'context', signal.object, 'text', signal.message));
    when 'slot_retention' then
      return jsonb_build_array(jsonb_build_object('type', 'replication_slot', 'object', signal.object, 'text', signal.message));
    when 'rollbacks' then
      select coalesce(jsonb_agg(r.suspect), '[]') into found_list from (select _wedding_dbopt.suspect_role(alert_suspects.at) as suspect) r where r.suspect is not null;
      return found_list;
    when 'disk_used', 'memory', 'wraparound', 'standby_lag', 'collection', 'collector_source' then
      return '[]'::jsonb;
    else
      null;
  end case;

  if blocker is not null and (signal.kind in ('lock_waits', 'deadlocks') or (blocker ->> 'blocked')::integer >= 2) then
    found_list := found_list || blocker;
  end if;
  if signal.kind = 'connections' then
    found_list := found_list || coalesce(_wedding_dbopt.suspect_application(alert_suspects.at), '[]');
  end if;
  if by_load then
    select * into traffic from _wedding_dbopt.suspect_traffic(signal.context, alert_suspects.at);
    if traffic.factor is not null then
      found_list := found_list || jsonb_build_object('type', 'surge', 'context', traffic.of_context, 'factor', round(traffic.factor::numeric, 2),
        'text', format('Traffic of %s is %s times the usual (%s calls a minute instead of %s) on most of its statements: a surge, not one slow statement.', traffic.of_context,
                       round(traffic.factor::numeric, 1), round(traffic.calls::numeric), round(traffic.usual_calls::numeric)));
    end if;
  end if;
  for culprit in select * from _wedding_dbopt.suspect_statements(signal.kind, signal.context, statement, alert_suspects.at) loop
    if changes is null then  -- of the worst statement
      select coalesce(jsonb_agg(c.suspect), '[]') into changes
      from _wedding_dbopt.suspect_changes(culprit.tables, alert_suspects.at) c
      where by_load and culprit.usual_ms is not null and (culprit.mean_ms > 1.5 * culprit.usual_ms or culprit.blocks > 1.5 * culprit.usual_blocks);
    end if;
    exit when jsonb_array_length(statements) > 0 and culprit.share < 0.1;
    statements := statements || jsonb_strip_nulls(jsonb_build_object('type', case when culprit.usual_ms is null and culprit.first_seen > alert_suspects.at - interval '1 hour' then 'new_statement' else 'statement' end,
      'statement_id', culprit.statement_id, 'queryid', culprit.queryid::text, 'context', culprit.of_context, 'share_percent', round((100 * culprit.share)::numeric, 1),
      'mean_ms', round(culprit.mean_ms::numeric, 3), 'usual_ms', round(culprit.usual_ms::numeric, 3),
      'calls_per_minute', round((culprit.calls / culprit.minutes)::numeric, 1), 'usual_calls_per_minute', round((culprit.usual_calls / culprit.minutes)::numeric, 1),
      'text', format('Statement %s (%s)%s: %s ms per call%s, %s calls a minute%s%s; %s %% of the %s.', culprit.queryid, culprit.of_context,
        case when culprit.usual_ms is null and culprit.first_seen > alert_suspects.at - interval '1 hour' then ', never seen before ' || to_char(culprit.first_seen at time zone 'UTC', 'HH24:MI "UTC"') else '' end,
        round(culprit.mean_ms::numeric, 2), coalesce(' instead of ' || round(culprit.usual_ms::numeric, 2), ''),
        round((culprit.calls / culprit.minutes)::numeric, 1), coalesce(' instead of ' || round((culprit.usual_calls / culprit.minutes)::numeric, 1), ''),
        case when culprit.blocks > 2 * culprit.usual_blocks + 1 then format(', %s blocks per call instead of %s', round(culprit.blocks::numeric), round(culprit.usual_blocks::numeric)) else '' end,
        round((100 * culprit.share)::numeric, 1),
        case signal.kind when 'checkpoints' then 'WAL' when 'disk_filling' then 'WAL and temporary files' when 'cache_misses' then 'blocks read' else 'time above the usual' end)));
  end loop;
  return found_list || coalesce(changes, '[]') || statements;
end $$;
comment on function _wedding_dbopt.alert_suspects(_wedding_dbopt.alert_signal, timestamptz) is
  'Who is to blame for a signal, most likely first: a blocking session, traffic, an application, a change, statements against their own past; each with its numbers in plain words.';
