-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.rollback_action(action_id bigint) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  act _wedding_dbopt.action := _wedding_dbopt.require_action(rollback_action.action_id);
  outcome text;
begin
  if act.state in ('proposed', 'approved') then
    perform _wedding_dbopt.change_action(act.id, 'withdrawn', 'withdrawn by ' || _wedding_dbopt.actor());
    outcome := 'withdrawn';
  elsif act.state in ('applying', 'verifying', 'kept') then
    update _wedding_dbopt.action a set rollback_requested = true where a.id = act.id;
    insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
    values (clock_timestamp(), _wedding_dbopt.actor(), 'action', act.id::text, act.state, act.state, 'rollback requested by ' || _wedding_dbopt.actor());
    outcome := 'rollback requested';
  else
    outcome := act.state;
  end if;
  return jsonb_build_object('success', true, 'action_id', act.id, 'state', outcome, 'rollback_sql', array_to_string(act.rollback_sql, E';\n'));
end $$;
comment on function wedding_dbopt.rollback_action(bigint) is
  'Undoes an action: what is not yet applied is withdrawn, what is applied is undone by the next tick. Calling it again changes nothing.';
