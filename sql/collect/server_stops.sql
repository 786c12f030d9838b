-- A smart shutdown waits for sessions and tells them nothing; the server's own file does. Who may not read it (only a
-- superuser may without a grant) is not told.
create or replace function _wedding_dbopt.server_stops() returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return has_function_privilege('pg_catalog.pg_read_file(text)', 'execute') and pg_read_file('postmaster.pid') ~ '\mstopping\M';
exception when others then
  return false;
end $$;
comment on function _wedding_dbopt.server_stops() is 'Whether the server waits for its sessions to end, as far as we may know.';
