create or replace function _wedding_dbopt.hours_ahead(at timestamptz, days integer)
returns table (hour timestamptz, local_hour integer)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select hour, _wedding_dbopt.local_hour(hour, zone)
  from _wedding_dbopt.setting_value('time_zone') as zone,
       generate_series(date_trunc('hour', hours_ahead.at, 'UTC'), hours_ahead.at + make_interval(days => days), interval '1 hour') as hour
$$;
comment on function _wedding_dbopt.hours_ahead(timestamptz, integer) is
  'The hours from a time on, beginning with its own, each with its local hour.';
