create or replace function _wedding_dbopt.require_action(action_id bigint) returns _wedding_dbopt.action
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  found_action _wedding_dbopt.action;
begin
  select * into found_action from _wedding_dbopt.action a where a.id = require_action.action_id for update;
  if not found then
    raise exception 'There is no action %', coalesce(action_id::text, 'null')
      using errcode = 'no_data_found', hint = 'SELECT id, state, description FROM wedding_dbopt.get_actions();';
  end if;
  return found_action;
end $$;
comment on function _wedding_dbopt.require_action(bigint) is 'The row of an action, locked; an error with a hint when there is none.';
