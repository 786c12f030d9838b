create or replace function _wedding_dbopt.cancel_stuck_pass(at timestamptz) returns boolean
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  select coalesce(bool_or(pg_cancel_backend(c.pid)), false)
  from _wedding_dbopt.collector c
  join pg_stat_get_activity(c.pid) a on a.backend_start = c.backend_start and a.state = 'active'
  where c.in_pass and c.begun_at < cancel_stuck_pass.at - _wedding_dbopt.setting_value('pass_time_limit')::interval
$$;
comment on function _wedding_dbopt.cancel_stuck_pass(timestamptz) is
  'Cancels the pass of the minute''s job when it is older than the setting pass_time_limit; answers whether there was one.';
