create or replace function _wedding_dbopt.sample_inside(due timestamptz, clock timestamptz) returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms' as $$
declare
  begun   constant timestamptz := clock_timestamp();
  waiting integer;
begin
  if _wedding_dbopt.tracking_to_stop() is not null then
    perform set_config('pg_stat_statements.track', 'none', true);
  end if;
  if pg_is_in_recovery() or _wedding_dbopt.setting_value('enabled') <> 'on' then
    return false;
  end if;
  if clock > due + _wedding_dbopt.setting_value('sessions_interval')::interval then
    return true;  -- the machine was too slow for this one, and the next one is due
  end if;
  waiting := _wedding_dbopt.sample_sessions(due);
  if waiting > 0 then
    perform _wedding_dbopt.sample_locks(due);
  end if;
  update _wedding_dbopt.collector c set sampling_ms = c.sampling_ms + 1000 * extract(epoch from clock_timestamp() - begun)
  where c.pid = pg_backend_pid();
  return true;
exception when others then
  insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values (due, 'sessions', sqlstate, sqlerrm);
  return true;
end $$;
comment on function _wedding_dbopt.sample_inside(timestamptz, timestamptz) is
  'One sample inside a minute: of the sessions, and of the locks when some wait; false when there shall be no more.';
