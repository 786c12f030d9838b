create or replace function _wedding_dbopt.due_baseline(at timestamptz, out name text, out since timestamptz, out until timestamptz)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  time_zone constant text := _wedding_dbopt.setting_value('time_zone');
  midnight  constant timestamptz := date_trunc('day', due_baseline.at, time_zone);
  begun     constant timestamptz := _wedding_dbopt.local_midnight(due_baseline.at, -1, time_zone);
  day       constant date := (begun at time zone time_zone)::date;
begin
  if not exists (select from _wedding_dbopt.baseline b where b.name = 'daily ' || day)
     and (exists (select from _wedding_dbopt.rolled_hour r where r.hour >= begun and r.hour < midnight)
          or exists (select from _wedding_dbopt.statement_sample s where s.at > begun and s.at <= midnight)) then
    name := 'daily ' || day;
    since := greatest(begun, (select min(s.first_seen) from _wedding_dbopt.statement s where s.first_seen < midnight));
    until := midnight;
  end if;
end $$;
comment on function _wedding_dbopt.due_baseline(timestamptz) is
  'The day before, from where history begins, if anything was collected and no baseline of it is kept yet; else nulls.';
