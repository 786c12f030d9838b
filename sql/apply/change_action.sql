create or replace function _wedding_dbopt.change_action(action_id bigint, to_state text, reason text) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  with old as (
    select id, state from _wedding_dbopt.action a where a.id = change_action.action_id for update
  ), changed as (
    update _wedding_dbopt.action a
    set state = change_action.to_state,
        error = case when change_action.to_state not in ('verifying', 'kept') then a.error end,
        error_sqlstate = case when change_action.to_state not in ('verifying', 'kept') then a.error_sqlstate end,
        finished_at = case when ended then clock_timestamp() end,
        rollback_requested = rollback_requested and not (ended and change_action.to_state <> 'kept')
    from old, (select change_action.to_state in ('kept', 'rolled_back', 'failed', 'withdrawn', 'expired')) as e (ended)
    where a.id = old.id
    returning a.recommendation_id
  ), idea as (  -- what was never done is taken no more
    update _wedding_dbopt.recommendation r
    set status = change_action.to_state, status_reason = change_action.reason, updated_at = clock_timestamp()
    from changed where r.id = changed.recommendation_id and r.status = 'taken' and change_action.to_state in ('withdrawn', 'expired')
  )
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  select clock_timestamp(), _wedding_dbopt.actor(), 'action', old.id::text, old.state, change_action.to_state, change_action.reason
  from old
$$;
comment on function _wedding_dbopt.change_action(bigint, text, text) is 'The one way an action changes its state: the row and its event together, and the recommendation of one that was taken back or ran out.';
