create or replace function _wedding_dbopt.drop_roll_ups(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  time_zone  constant text := _wedding_dbopt.setting_value('time_zone');
  hours_from constant timestamptz :=
    date_trunc('day', drop_roll_ups.at - _wedding_dbopt.setting_value('hourly_retention')::interval, time_zone);
  days_from  constant timestamptz :=
    date_trunc('day', drop_roll_ups.at - _wedding_dbopt.setting_value('daily_retention')::interval, time_zone);
begin
  delete from _wedding_dbopt.statement_hour h where h.hour < hours_from;
  delete from _wedding_dbopt.rolled_hour r where r.hour < hours_from;
  delete from _wedding_dbopt.bound_age b where b.day < (hours_from at time zone 'UTC')::date;
  delete from _wedding_dbopt.statement_day d where d.day < days_from;
  delete from _wedding_dbopt.rolled_day r where r.day < days_from;
  delete from _wedding_dbopt.context_hour c where c.hour < days_from;
end $$;
comment on function _wedding_dbopt.drop_roll_ups(timestamptz) is
  'Deletes hourly and daily roll-ups that are older than the settings hourly_retention and daily_retention, by whole days; the hours of the contexts stay as long as days, the ages of dates as long as hours.';
