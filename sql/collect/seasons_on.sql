create or replace function _wedding_dbopt.seasons_on(day date) returns setof _wedding_dbopt.season
language sql stable security invoker
set search_path = pg_catalog, pg_temp as $$
  with nearest as (  -- a row of the configured region takes the place of the default row of the same name
    select distinct on (s.name) s.*
    from _wedding_dbopt.season s
    where s.region in ('default', _wedding_dbopt.setting_value('region'))
    order by s.name, s.region = 'default'
  )
  select n.*
  from nearest n, to_char(seasons_on.day, 'MM-DD') as today
  where n.enabled
    and case when n.first_day <= n.last_day then today between n.first_day and n.last_day
             else today >= n.first_day or today <= n.last_day end
$$;
comment on function _wedding_dbopt.seasons_on(date) is
  'The enabled seasons of the configured region that are in force on a local date; both bounds belong to a season.';
