-- Hour h holds the passes in (h, h + 1 hour]. Each closed hour is computed again from its raw samples as long as they are
-- all there, so a run may be repeated or be late, and a pass that is not committed yet comes in with the next run;
-- unchanged rows are not written.
create or replace function _wedding_dbopt.roll_up_hours(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  first_at constant timestamptz := (select min(s.at) from _wedding_dbopt.statement_sample s);
  slot     timestamptz;
begin
  for slot in
    select generate_series(date_trunc('hour', first_at - interval '1 microsecond', 'UTC'),
                           date_trunc('hour', roll_up_hours.at, 'UTC') - interval '1 hour', interval '1 hour')
  loop
    -- The first sample of a day may be the last one of an hour whose other samples went with the day before.
    continue when slot < date_trunc('day', first_at, 'UTC')
      and exists (select from _wedding_dbopt.statement_hour h where h.hour = slot);
    insert into _wedding_dbopt.statement_hour as h
      (hour, statement_id, calls, exec_ms, exec_sq, rows, hit, read, temp_written, wal_bytes)
    select slot, d.statement_id, sum(d.calls::float8), sum(d.exec_ms), sum(d.exec_sq), sum(d.rows::float8),
      sum(d.hit::float8), sum(d.read::float8), sum(d.temp_written::float8), sum(d.wal_bytes::float8)
    from _wedding_dbopt.statement_delta(slot, slot + interval '1 hour') d
    group by d.statement_id
    on conflict (hour, statement_id) do update
      set calls = excluded.calls, exec_ms = excluded.exec_ms, exec_sq = excluded.exec_sq, rows = excluded.rows,
          hit = excluded.hit, read = excluded.read, temp_written = excluded.temp_written, wal_bytes = excluded.wal_bytes
      where (h.calls, h.rows, h.hit, h.read, h.temp_written, h.wal_bytes, h.exec_ms::real, h.exec_sq::real)
        is distinct from (excluded.calls, excluded.rows, excluded.hit, excluded.read, excluded.temp_written,
                          excluded.wal_bytes, excluded.exec_ms::real, excluded.exec_sq::real);
  end loop;
end $$;
comment on function _wedding_dbopt.roll_up_hours(timestamptz) is
  'Sums the raw samples of each closed hour into statement_hour; idempotent.';
