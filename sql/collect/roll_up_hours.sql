-- Hour h holds the passes in (h, h + 1 hour]. A closed hour is summed when it is new, and again when raw samples came in
-- late; so a run may be repeated or be late, and an hour whose raw samples are partly dropped stays as it is.
create or replace function _wedding_dbopt.roll_up_hours(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  slot record;
begin
  for slot in
    select raw.*
    from (select date_trunc('hour', s.at - interval '1 microsecond', 'UTC') as hour, count(*)::integer as passes,
            coalesce(sum(extract(epoch from s.at - s.previous_at)), 0)::float8 as observed_s,
            bool_and(s.complete or s.previous_at is null) as complete  -- the first pass of all hides nothing
          from _wedding_dbopt.statement_sample s
          where s.at <= date_trunc('hour', roll_up_hours.at, 'UTC')
          group by 1) raw
    left join _wedding_dbopt.rolled_hour r on r.hour = raw.hour
    where r.hour is null or r.passes < raw.passes
    order by raw.hour
  loop
    delete from _wedding_dbopt.rolled_hour r where r.hour = slot.hour;
    delete from _wedding_dbopt.statement_hour h where h.hour = slot.hour;
    insert into _wedding_dbopt.statement_hour (hour, chunk, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written, wal_bytes)
    select slot.hour, p.* from _wedding_dbopt.pack_statements(slot.hour, slot.hour + interval '1 hour') p;
    insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete)
    values (slot.hour, slot.passes, slot.observed_s, slot.complete);
    perform _wedding_dbopt.roll_up_contexts(slot.hour, slot.hour);
  end loop;
end $$;
comment on function _wedding_dbopt.roll_up_hours(timestamptz) is
  'Sums the raw samples of each closed hour into statement_hour and context_hour; idempotent.';
