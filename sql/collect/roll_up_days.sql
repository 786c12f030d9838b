create or replace function _wedding_dbopt.roll_up_days(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  time_zone constant text := _wedding_dbopt.setting_value('time_zone');
  today     constant date := (roll_up_days.at at time zone time_zone)::date;
  first_day constant date := ((select min(h.hour) from _wedding_dbopt.statement_hour h) at time zone time_zone)::date;
  raw_day   constant date := ((select min(s.at) from _wedding_dbopt.statement_sample s) at time zone time_zone)::date - 1;
  slot      date;
begin
  for slot in select first_day + ahead from generate_series(0, today - first_day - 1) as ahead loop
    continue when slot < raw_day and exists (select from _wedding_dbopt.statement_day d where d.day = slot);
    insert into _wedding_dbopt.statement_day as d
      (day, statement_id, calls, exec_ms, exec_sq, rows, hit, read, temp_written, wal_bytes)
    select slot, h.statement_id, sum(h.calls::float8), sum(h.exec_ms), sum(h.exec_sq), sum(h.rows::float8),
      sum(h.hit::float8), sum(h.read::float8), sum(h.temp_written::float8), sum(h.wal_bytes::float8)
    from _wedding_dbopt.statement_hour h
    where h.hour >= slot::timestamp at time zone time_zone and h.hour < (slot + 1)::timestamp at time zone time_zone
    group by h.statement_id
    on conflict (statement_id, day) do update
      set calls = excluded.calls, exec_ms = excluded.exec_ms, exec_sq = excluded.exec_sq, rows = excluded.rows,
          hit = excluded.hit, read = excluded.read, temp_written = excluded.temp_written, wal_bytes = excluded.wal_bytes
      where (d.calls, d.rows, d.hit, d.read, d.temp_written, d.wal_bytes, d.exec_ms::real, d.exec_sq::real)
        is distinct from (excluded.calls, excluded.rows, excluded.hit, excluded.read, excluded.temp_written,
                          excluded.wal_bytes, excluded.exec_ms::real, excluded.exec_sq::real);
  end loop;
end $$;
comment on function _wedding_dbopt.roll_up_days(timestamptz) is
  'Sums the hours of each closed day of the configured time zone into statement_day; idempotent.';
