-- Once a day and season. What was seen half a year ago belongs to another year of the season, which the new one replaces.
create or replace function _wedding_dbopt.remember_season(at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  insert into _wedding_dbopt.season_use as known (season, name, blocks_per_hour, days, last_seen)
  select s.name, hot.name, hot.blocks_per_hour, 1, remember_season.at
  from _wedding_dbopt.seasons_on(remember_season.at) s
  cross join _wedding_dbopt.hot_relations(remember_season.at - interval '1 day', remember_season.at) hot
  where not exists (select from _wedding_dbopt.season_use u where u.season = s.name and u.last_seen > remember_season.at - interval '20 hours')
  on conflict (season, name) do update set
    blocks_per_hour = case when known.last_seen < excluded.last_seen - interval '180 days' then excluded.blocks_per_hour
                           else (known.blocks_per_hour * known.days + excluded.blocks_per_hour) / (known.days + 1) end,
    days = case when known.last_seen < excluded.last_seen - interval '180 days' then 1 else known.days + 1 end,
    last_seen = excluded.last_seen;
  delete from _wedding_dbopt.season_use u
  where u.last_seen < remember_season.at - _wedding_dbopt.setting_value('daily_retention')::interval
$$;
comment on function _wedding_dbopt.remember_season(timestamptz) is
  'Step of maintain(): notes once a day which tables and indexes the seasons that are on ask for.';
