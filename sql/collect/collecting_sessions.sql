-- A standby has no unlogged tables and no collector; the branch keeps it from looking.
create or replace function _wedding_dbopt.collecting_sessions() returns table (pid integer, backend_start timestamptz)
language plpgsql stable parallel restricted security invoker set search_path = pg_catalog, pg_temp as $$
begin
  if not pg_is_in_recovery() then
    return query select c.pid, c.backend_start from _wedding_dbopt.collector c;
  end if;
end $$;
comment on function _wedding_dbopt.collecting_sessions() is 'The session that collects now, which reports on sessions leave out.';
