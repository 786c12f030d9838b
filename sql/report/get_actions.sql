create or replace function wedding_dbopt.get_actions(
  run_id bigint default null, state text default null, limit_count integer default 100)
returns table(id bigint, run_id bigint, recommendation_id bigint, action_type text, description text, sql text, sql_executed text,
              rollback_sql text, locks text, wedding_context text, business_criticality text, state text,
              estimated_impact numeric, measured_impact numeric, verdict text, estimated_bytes bigint, measured_bytes bigint,
              schema_name text, table_name text, object_name text, object_kind text, phase text, season text, details jsonb, final_sql text,
              attempts integer, next_attempt_at timestamptz,
              created_at timestamptz, applied_at timestamptz, finished_at timestamptz, error_sqlstate text, error text, waits_for text)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.require(coalesce(get_actions.state, 'proposed') in
      ('proposed', 'approved', 'applying', 'verifying', 'kept', 'rolled_back', 'failed', 'withdrawn', 'expired'),
    format('unknown state %L', get_actions.state),
    'Use proposed, approved, applying, verifying, kept, rolled_back, failed, withdrawn or expired, or null for all.');
  select _wedding_dbopt.require(get_actions.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  select deed.id, deed.run_id, deed.recommendation_id, deed.action_type, deed.description, array_to_string(deed.sql, E';\n'),
         case when deed.applied_at is not null then array_to_string(deed.sql, E';\n') end, array_to_string(deed.rollback_sql, E';\n'), deed.locks,
         deed.wedding_context, deed.criticality, deed.state, deed.estimated_impact, deed.measured_impact,
         case when deed.state <> 'rolled_back' or last.reason is null or deed.verdict like 'rolled_back: %' then deed.verdict
              else format('rolled_back: %s', last.reason) || coalesce(' (measured until then: ' || deed.verdict || ')', '') end,
         deed.estimated_bytes, deed.measured_bytes, deed.schema_name, deed.table_name, deed.object_name,
         deed.object_kind, deed.phase, deed.season, deed.details, array_to_string(deed.final_sql, E';\n'),
         deed.attempts, deed.next_attempt_at, deed.created_at, deed.applied_at, deed.finished_at, deed.error_sqlstate, deed.error,
         case when deed.state = 'proposed' then 'approve(), by a person'
              when deed.state in ('approved', 'applying', 'verifying') and _wedding_dbopt.setting_value('enabled') <> 'on' then 'resume(): the tuner is paused'
              when deed.state = 'approved' and last.reason like 'postponed: %' then substr(last.reason, 12)
              when deed.state = 'approved' then 'the next tick'
              when deed.rollback_requested and deed.state in ('applying', 'verifying', 'kept') then 'the next tick, which undoes it'
              when _wedding_dbopt.awaits_end(deed) then coalesce(
                _wedding_dbopt.unjudged_neighbour(deed.id),
                format('its last step, at %s at the earliest (hidden_index_window)', deed.applied_at + _wedding_dbopt.setting_value('hidden_index_window')::interval))
              when deed.state = 'verifying' then coalesce(deed.judgement ->> 'missing', 'the first look at what changed') end
  from _wedding_dbopt.action as deed
  left join lateral (select e.reason from _wedding_dbopt.event e where e.subject = 'action' and e.subject_id = deed.id::text
                     order by e.id desc limit 1) as last on true
  where (get_actions.run_id is null or deed.run_id = get_actions.run_id)
    and (get_actions.state is null or deed.state = get_actions.state)
  order by deed.id desc
  limit get_actions.limit_count;
$$;
comment on function wedding_dbopt.get_actions(bigint, text, integer) is
  'What was or will be done, newest first: the planned SQL, the SQL that was executed (null before), the SQL that undoes it, the state, and the estimated against the measured impact in percent. waits_for says why it is not further: a budget, a freeze, a busy hour, a lock, data for the verdict.';
