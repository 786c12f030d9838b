create or replace function _wedding_dbopt.calendar() returns setof _wedding_dbopt.season
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return query
  select distinct on (s.name) s.*
  from _wedding_dbopt.season s
  where s.region in ('default', _wedding_dbopt.setting_value('region'))
  order by s.name, s.region = 'default';
end $$;
comment on function _wedding_dbopt.calendar() is
  'The season rows that count: a row of the configured region takes the place of the default row of the same name.';
