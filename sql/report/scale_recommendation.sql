create or replace function _wedding_dbopt.scale_recommendation(
  total integer, usable integer, season_capacity numeric, busy_sessions numeric, cpu_percent numeric) returns jsonb
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with need as (
    select (usable - season_capacity) / nullif(total, 0) as factor,
           ceil(usable - season_capacity)::integer as season, total * 10 as surge
  )
  select jsonb_build_object(
    'connections_now', total,
    'connections_usable', usable,
    'season_factor', round(need.factor, 2),
    'connections_needed_at_season', need.season,
    'connections_missing_at_season', greatest(need.season - usable, 0),
    'connections_needed_at_10x', need.surge,
    'connections_missing_at_10x', greatest(need.surge - usable, 0),
    'pool_size_at_season', _wedding_dbopt.pool_size(busy_sessions * need.factor),
    'pool_size_at_10x', _wedding_dbopt.pool_size(busy_sessions * 10),
    'work_mem_bytes_at_season', need.season * pg_size_bytes(current_setting('work_mem')),
    'cpu_percent_at_season', round(cpu_percent * need.factor, 1),
    'cpu_percent_at_10x', round(cpu_percent * 10, 1),
    'advice', to_jsonb(array_remove(array[
      case when need.season > usable
           then format('At season load %s connections are needed and %s are usable: put a pooler with %s server connections in front, or raise max_connections by %s.',
                  need.season, usable, _wedding_dbopt.pool_size(busy_sessions * need.factor), need.season - usable)
           when need.season is not null
           then format('At season load %s of %s usable connections are needed: enough.', need.season, usable) end,
      case when need.surge > usable
           then format('At 10 times the load %s connections are needed, %s more than usable: a pooler with %s server connections carries it.',
                  need.surge, need.surge - usable, _wedding_dbopt.pool_size(busy_sessions * 10)) end,
      case when cpu_percent * need.factor > 80
           then format('At season load the CPU would be at %s %%: tune the statements that take most time, or add CPUs.',
                  round(cpu_percent * need.factor)) end
      ], null)))
  from need
$$;
comment on function _wedding_dbopt.scale_recommendation(integer, integer, numeric, numeric, numeric) is
  'Connections, pool size (for the sessions that were busy on average in the busiest five minutes, multiplied), work_mem and CPU that today''s load needs when it is multiplied to the season and by ten.';
