-- Use measured inside a season already carries that season's load.
create or replace function _wedding_dbopt.season_factor(at timestamptz) returns numeric
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select greatest(1, max(m.multiplier) / greatest(coalesce(max(m.multiplier) filter (where m.season in
           (select s.name from _wedding_dbopt.seasons_on(season_factor.at) s)), 1), 1))
  from _wedding_dbopt.season_multipliers() m
  where m.context = 'all'
$$;
comment on function _wedding_dbopt.season_factor(timestamptz) is
  'What the load of a time has to be multiplied by to reach that of the busiest season.';
