create or replace function _wedding_dbopt.keep_recent(days boolean, since timestamptz, until timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  counted constant bigint := (select sum(r.passes) from _wedding_dbopt.rolled_hour r where r.hour >= keep_recent.since and r.hour < keep_recent.until);
begin
  if exists (select from _wedding_dbopt.statement_recent s
             where s.days = keep_recent.days and s.since = keep_recent.since and s.until = keep_recent.until and s.passes = counted) then
    return;
  end if;
  insert into _wedding_dbopt.statement_recent as s
    (days, chunk, since, until, passes, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written, wal_bytes)
  select keep_recent.days, p.chunk, keep_recent.since, keep_recent.until, counted, p.ids, p.calls, p.exec_us, p.exec_sq, p.rows, p.hit, p.read, p.temp_written, p.wal_bytes
  from _wedding_dbopt.pack_statements(keep_recent.since, keep_recent.until) p
  where counted > 0
  on conflict on constraint statement_recent_pkey do update  -- in its page, where deleting would need a vacuum each hour
    set since = excluded.since, until = excluded.until, passes = excluded.passes, ids = excluded.ids, calls = excluded.calls,
        exec_us = excluded.exec_us, exec_sq = excluded.exec_sq, rows = excluded.rows, hit = excluded.hit, read = excluded.read,
        temp_written = excluded.temp_written, wal_bytes = excluded.wal_bytes;
  delete from _wedding_dbopt.statement_recent s
  where s.days = keep_recent.days and (s.since <> keep_recent.since or s.until <> keep_recent.until or s.passes is distinct from counted);
end $$;
comment on function _wedding_dbopt.keep_recent(boolean, timestamptz, timestamptz) is
  'Sums the last closed hours, or days, into statement_recent, in place of those before; nothing is done if that is so already.';
