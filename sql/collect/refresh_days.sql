-- Of a few days, reading the days is as good.
create or replace function _wedding_dbopt.refresh_days(at timestamptz) returns void
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.keep_recent(true, _wedding_dbopt.whole_hour(d.since), _wedding_dbopt.whole_hour(d.until))
  from (select date_trunc('day', refresh_days.at, zone) as until,
               _wedding_dbopt.local_midnight(refresh_days.at, -29, zone) as since
        from _wedding_dbopt.setting_value('time_zone') zone) d
  where (select count(*) from _wedding_dbopt.rolled_day r where r.day >= d.since and r.until <= _wedding_dbopt.whole_hour(d.until)) >= 7
$$;
comment on function _wedding_dbopt.refresh_days(timestamptz) is
  'Sums the last 29 closed days into statement_recent, once there is a week of history.';
