-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.approve(action_id bigint) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  act _wedding_dbopt.action := _wedding_dbopt.require_action(approve.action_id);
begin
  if act.state <> 'proposed' then
    raise exception 'Action % is %, only a proposed action can be approved', act.id, act.state
      using errcode = 'object_not_in_prerequisite_state', hint = 'SELECT * FROM wedding_dbopt.get_actions(state => ''proposed'');';
  end if;
  perform _wedding_dbopt.change_action(act.id, 'approved', 'approved by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'action_id', act.id, 'state', 'approved', 'sql', array_to_string(act.sql, E';\n'));
end $$;
comment on function wedding_dbopt.approve(bigint) is 'Approves a proposed action; the next tick applies it.';
