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
  delete from _wedding_dbopt.statement_recent;
  insert into _wedding_dbopt.statement_recent
    (chunk, since, until, passes, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written, wal_bytes)
  select p.chunk, first_hour, last_hour, counted, p.ids, p.calls, p.exec_us, p.exec_sq, p.rows, p.hit, p.read, p.temp_written, p.wal_bytes
  from _wedding_dbopt.pack_statements(first_hour, last_hour) p
  where counted > 0;
end $$;
comment on function _wedding_dbopt.refresh_recent(timestamptz) is
  'Sums the last 23 closed hours into statement_recent.';
