create or replace function _wedding_dbopt.roll_up_days(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  time_zone constant text := _wedding_dbopt.setting_value('time_zone');
  slot      record;
begin
  for slot in
    select hours.day, hours.until, hours.passes
    from (select _wedding_dbopt.whole_hour(date_trunc('day', r.hour, time_zone)) as day,
            _wedding_dbopt.whole_hour(_wedding_dbopt.local_midnight(r.hour, 1, time_zone)) as until,
            sum(r.passes)::integer as passes
          from _wedding_dbopt.rolled_hour r group by 1, 2) hours
    left join _wedding_dbopt.rolled_day d on d.day = hours.day
    where hours.until <= roll_up_days.at and (d.day is null or d.passes < hours.passes)
      and not exists (  -- days of another time zone, from before the setting was changed, are not counted twice
        select from _wedding_dbopt.rolled_day o where o.day <> hours.day and o.day < hours.until and o.until > hours.day)
    order by hours.day
  loop
    delete from _wedding_dbopt.rolled_day d where d.day = slot.day;
    delete from _wedding_dbopt.statement_day d where d.day = slot.day;
    insert into _wedding_dbopt.statement_day (day, chunk, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written, wal_bytes)
    select slot.day, p.* from _wedding_dbopt.pack_statements(slot.day, slot.until) p;
    insert into _wedding_dbopt.rolled_day (day, until, passes) values (slot.day, slot.until, slot.passes);
  end loop;
end $$;
comment on function _wedding_dbopt.roll_up_days(timestamptz) is
  'Sums the hours of each closed day of the configured time zone into statement_day; idempotent.';
