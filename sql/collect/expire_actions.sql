create or replace function _wedding_dbopt.expire_actions(at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.change_action(a.id, 'expired', 'not approved in time')
  from _wedding_dbopt.action a
  where a.state = 'proposed'
    and a.created_at < expire_actions.at - _wedding_dbopt.setting_value('recommendation_lifetime')::interval
$$;
comment on function _wedding_dbopt.expire_actions(timestamptz) is 'Ends proposed actions that nobody approved within the lifetime of a recommendation.';
