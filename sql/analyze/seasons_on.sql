create or replace function _wedding_dbopt.seasons_on(at timestamptz) returns setof _wedding_dbopt.season
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return query
  select c.*
  from _wedding_dbopt.calendar() c, _wedding_dbopt.setting_value('time_zone') as zone
  where c.enabled
    and _wedding_dbopt.in_season((seasons_on.at at time zone coalesce(c.time_zone, zone))::date, c.first_day, c.last_day);
end $$;
comment on function _wedding_dbopt.seasons_on(timestamptz) is
  'The enabled seasons of the configured region that are in force at a time, each by its own local date.';
