create or replace function _wedding_dbopt.enqueue_actions(run_id bigint) returns integer
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  plan record;
  made bigint;
  number integer := 0;
begin
  for plan in
    select p.*, r as idea
    from _wedding_dbopt.tuning_run run
    cross join lateral _wedding_dbopt.planned_actions(run.level, run.season_mode, run.id) p
    join _wedding_dbopt.recommendation r on r.id = p.recommendation_id
    where run.id = enqueue_actions.run_id
    order by p.place
  loop
    insert into _wedding_dbopt.action (
      run_id, recommendation_id, action_type, state, phase, object_kind, schema_name, table_name, object_name, details, season, goal,
      description, sql, final_sql, rollback_sql, locks, wedding_context, criticality, estimated_impact, estimated_bytes, created_at)
    values (
      enqueue_actions.run_id, (plan.idea).id, (plan.idea).kind, plan.state, plan.phase, (plan.idea).object_kind,
      (plan.idea).schema_name, (plan.idea).table_name, (plan.idea).object_name, (plan.idea).details, (plan.idea).season, (plan.idea).goal,
      (plan.idea).reason, (plan.idea).sql, (plan.idea).final_sql, (plan.idea).rollback_sql, (plan.idea).locks,
      (plan.idea).context, (plan.idea).criticality, (plan.idea).estimated_improvement, (plan.idea).estimated_bytes, clock_timestamp())
    returning id into made;
    insert into _wedding_dbopt.event (at, actor, subject, subject_id, to_state, reason)
    values (clock_timestamp(), _wedding_dbopt.actor(), 'action', made::text, plan.state,
            format('recommended by run %s, phase %s, mode %s', enqueue_actions.run_id, plan.phase, plan.mode));
    update _wedding_dbopt.recommendation r set status = 'taken', status_reason = 'action ' || made, updated_at = clock_timestamp()
    where r.id = (plan.idea).id;
    number := number + 1;
  end loop;
  return number;
end $$;
comment on function _wedding_dbopt.enqueue_actions(bigint) is
  'Makes actions of what a run recommends, in the order of planned_actions(), each with its event.';
