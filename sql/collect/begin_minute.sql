create or replace function _wedding_dbopt.begin_minute(at timestamptz) returns boolean
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  mine timestamptz;
begin
  select a.backend_start into mine from pg_stat_get_activity(pg_backend_pid()) a;
  perform from _wedding_dbopt.pass_lock l where l.name = 'minute' for update;
  if exists (
    select from _wedding_dbopt.collector c join pg_stat_get_activity(c.pid) a on a.backend_start = c.backend_start
    where c.pid <> pg_backend_pid() and c.until > begin_minute.at)
  then
    insert into _wedding_dbopt.collect_log (at, source, reason)
    values (begin_minute.at, 'sessions', 'skipped: another session samples this minute');
    return false;
  end if;
  insert into _wedding_dbopt.collector as c (name, pid, backend_start, begun_at, until, in_pass)
  values ('collect', pg_backend_pid(), mine, begin_minute.at, date_trunc('minute', begin_minute.at) + interval '1 minute', true)
  on conflict (name) do update set pid = excluded.pid, backend_start = excluded.backend_start, begun_at = excluded.begun_at,
    until = excluded.until, in_pass = true, sampling_ms = 0;
  return true;
end $$;
comment on function _wedding_dbopt.begin_minute(timestamptz) is
  'Names this session the collector of the minute, unless another one that still lives is; answers whether it is.';
