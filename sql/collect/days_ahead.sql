create or replace function _wedding_dbopt.days_ahead(at timestamptz, days integer)
returns table (day timestamptz, local_day integer)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select day::timestamp at time zone zone, day - date '1970-01-01'
  from _wedding_dbopt.setting_value('time_zone') as zone,
       lateral (select (days_ahead.at at time zone zone)::date + ahead as day from generate_series(0, days) as ahead) as d
$$;
comment on function _wedding_dbopt.days_ahead(timestamptz, integer) is
  'The local days from that of a time on: the moment each begins, and its number since 1970-01-01.';
