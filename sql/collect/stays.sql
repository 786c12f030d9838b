-- Asked once a second by a session that stays; so it reads one file and two short indexes, no more.
create or replace function _wedding_dbopt.stays(since timestamptz, installation text) returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return not pg_is_in_recovery() and not _wedding_dbopt.server_stops()
    and _wedding_dbopt.installation() is not distinct from stays.installation
    and not exists (select from _wedding_dbopt.event e where e.subject = 'schedule' and e.to_state = 'unscheduled' and e.at > stays.since);
end $$;
comment on function _wedding_dbopt.stays(timestamptz, text) is
  'Whether a session that collects since a time may go on: the server does not stop, the extension is the one it began with, and the jobs were not taken off.';
