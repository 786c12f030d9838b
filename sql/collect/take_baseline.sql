-- The day that has ended is described as soon as maintenance runs, or later that day if it was held up.
create or replace function _wedding_dbopt.take_baseline(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  time_zone constant text := _wedding_dbopt.setting_value('time_zone');
  until     constant timestamptz := date_trunc('day', take_baseline.at, time_zone);
  day       constant date := (until at time zone time_zone)::date - 1;
  since     constant timestamptz := day::timestamp at time zone time_zone;
begin
  if not exists (select from _wedding_dbopt.baseline b where b.name = 'daily ' || day)
     and (exists (select from _wedding_dbopt.rolled_hour r where r.hour >= since and r.hour < until)
          or exists (select from _wedding_dbopt.statement_sample s where s.at > since and s.at <= until)) then
    perform _wedding_dbopt.store_baseline('daily ' || day, null, 'daily', since, until);
  end if;
  perform _wedding_dbopt.forget_baselines(array(
    select b.id from _wedding_dbopt.baseline b
    where b.origin <> 'user' and b.until < take_baseline.at - _wedding_dbopt.setting_value('baseline_retention')::interval));
end $$;
comment on function _wedding_dbopt.take_baseline(timestamptz) is
  'Keeps a baseline of the day before, once, if anything was collected, and drops automatic ones older than the setting baseline_retention.';
