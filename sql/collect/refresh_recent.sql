create or replace function _wedding_dbopt.refresh_recent(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  last_hour  constant timestamptz := date_trunc('hour', refresh_recent.at, 'UTC');
  first_hour constant timestamptz := last_hour - interval '23 hours';
  counted    constant bigint := (select sum(r.passes) from _wedding_dbopt.rolled_hour r where r.hour >= first_hour and r.hour < last_hour);
begin
  if exists (select from _wedding_dbopt.statement_recent s where s.until = last_hour and s.passes = counted) then
    return;
  end if;
  insert into _wedding_dbopt.statement_recent as s
    (chunk, since, until, passes, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written, wal_bytes)
  select p.chunk, first_hour, last_hour, counted, p.ids, p.calls, p.exec_us, p.exec_sq, p.rows, p.hit, p.read, p.temp_written, p.wal_bytes
  from _wedding_dbopt.pack_statements(first_hour, last_hour) p
  where counted > 0
  on conflict on constraint statement_recent_pkey do update  -- in its page, where deleting would need a vacuum each hour
    set since = excluded.since, until = excluded.until, passes = excluded.passes, ids = excluded.ids, calls = excluded.calls,
        exec_us = excluded.exec_us, exec_sq = excluded.exec_sq, rows = excluded.rows, hit = excluded.hit, read = excluded.read,
        temp_written = excluded.temp_written, wal_bytes = excluded.wal_bytes;
  delete from _wedding_dbopt.statement_recent s where s.until <> last_hour or s.passes is distinct from counted;
end $$;
comment on function _wedding_dbopt.refresh_recent(timestamptz) is
  'Sums the last 23 closed hours into statement_recent.';
