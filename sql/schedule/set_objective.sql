-- SECURITY DEFINER: who may operate needs no rights on our tables. It only writes our own rows.
create or replace function wedding_dbopt.set_objective(context text, latency_ms numeric, target_percent numeric default 99) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  old_goal _wedding_dbopt.objective;
begin
  select * into old_goal from _wedding_dbopt.objective o where o.context = set_objective.context for update;
  perform _wedding_dbopt.require(set_objective.context in (select c.context from _wedding_dbopt.contexts() c where c.context <> 'other'), format('unknown context %L', set_objective.context),
    'Use booking, vendor_search, payment, timeline or guest_management.');
  perform _wedding_dbopt.require(set_objective.latency_ms > 0 and set_objective.latency_ms <= 600000, 'latency_ms must be above 0 and at most 600000', 'Milliseconds, for example 50.');
  perform _wedding_dbopt.require(set_objective.target_percent between 50 and 99.999, 'target_percent must be between 50 and 99.999', 'The share of calls that shall be within latency_ms, for example 99.');
  if old_goal.context is null then
    insert into _wedding_dbopt.objective (context, latency_ms, success_target, description)
    values (set_objective.context, set_objective.latency_ms, set_objective.target_percent / 100, format('%s within %s ms', set_objective.context, set_objective.latency_ms));
  else
    update _wedding_dbopt.objective o set latency_ms = set_objective.latency_ms, success_target = set_objective.target_percent / 100,
      description = format('%s%% of the calls answer within %s ms', trim_scale(set_objective.target_percent), trim_scale(set_objective.latency_ms))
    where o.context = set_objective.context;
  end if;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'objective', set_objective.context, format('%s ms, %s %%', trim_scale(old_goal.latency_ms), trim_scale(100 * old_goal.success_target)),
    format('%s ms, %s %%', trim_scale(set_objective.latency_ms), trim_scale(set_objective.target_percent)), 'set by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'context', set_objective.context, 'latency_ms', set_objective.latency_ms, 'target_percent', set_objective.target_percent,
    'previous_ms', old_goal.latency_ms, 'previous_percent', trim_scale(100 * old_goal.success_target));
end $$;
comment on function wedding_dbopt.set_objective(text, numeric, numeric) is
  'Sets the objective of a business context: so many percent of its calls answer within so many milliseconds. Calls collected before were counted against the objective of their time.';
