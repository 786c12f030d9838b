-- A resource ends at the factor at which the busiest five minutes of the last day, multiplied, would need all of it. Sessions,
-- connections and the CPU above its rest grow with the load; the disk and the sequences end at a date, not at a factor.
create or replace function wedding_dbopt.get_capacity(at timestamptz default now()) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  cpu_limit constant numeric := 90;  -- percent; beyond it waiting grows without bound
  season_factor constant numeric := _wedding_dbopt.season_factor(get_capacity.at);
  used      record;
  disk      record;
  sequence  record;
  sessions  numeric;
  resources jsonb;
begin
  select * into used from _wedding_dbopt.capacity_use(get_capacity.at - interval '24 hours', get_capacity.at);
  select * into disk from _wedding_dbopt.disk_growth(get_capacity.at);
  select s.relid::regclass::text as name, s.used, s.per_day, s.days, (1 - s.used) / nullif(s.per_day, 0) as days_left into sequence
  from _wedding_dbopt.sequence_growth(get_capacity.at) s
  order by (1 - s.used) / nullif(s.per_day, 0), s.used desc limit 1;
  sessions := used.busy + coalesce(used.held, 0);

  select jsonb_agg(jsonb_build_object('resource', r.resource, 'unit', r.unit, 'used', r.used, 'limit', r.ceiling,
           'used_percent', round(100 * r.used / nullif(r.ceiling, 0), 1), 'ends_at_factor', round(r.factor, 2), 'ends_at', r.ends_at,
           'reason', case when r.factor is null and r.ends_at is null then r.reason end)
           order by r.factor nulls last, r.ends_at nulls last, r.resource)
  into resources
  from (
    values
      ('connections', 'connections', used.connections::numeric, used.usable::numeric, used.usable::numeric / nullif(used.connections, 0),
       null::timestamptz, 'no connections were sampled in the last day'),
      ('pool', 'server connections behind a pooler', _wedding_dbopt.pool_size(sessions)::numeric, used.usable::numeric,
       (sqrt(1.0 + used.usable) - 1) ^ 2 / nullif(sessions, 0), null, 'no busy session was sampled in the last day'),
      ('cpu', 'percent', used.cpu, cpu_limit, (cpu_limit - coalesce(used.cpu_idle, 0)) / nullif(used.cpu - coalesce(used.cpu_idle, 0), 0), null,
       'CPU use was not sampled in the last day'),
      ('memory', 'bytes', (used.memory_total - used.memory_free)::numeric, used.memory_total::numeric,
       1 + used.memory_free / nullif(used.connections * used.backend_memory::numeric, 0), null,
       'the memory of the machine or of a connection was not sampled in the last day'),
      ('io', 'sessions waiting for I/O', used.io_sessions, null, null, null,
       'what the storage can do at most is not known from inside; it grows with the load or faster'),
      ('disk', 'bytes', (disk.total - disk.free)::numeric, disk.total::numeric, null,
       case when disk.bytes_per_day > 0 then get_capacity.at + make_interval(days => least(disk.free / disk.bytes_per_day, 36500)::integer) end,
       case when disk.total is null then 'the disk was not sampled in the last day'
            when disk.bytes_per_day is null then format('sizes are known of %s days, three are needed', disk.days) else 'it does not grow' end),
      ('sequence' || coalesce(' ' || sequence.name, ''), 'share of its numbers', round(sequence.used::numeric, 6), 1, null,
       case when sequence.days_left is not null then get_capacity.at + make_interval(days => least(sequence.days_left, 36500)::integer) end,
       case when sequence.days is null then 'no sequence was sampled' when sequence.per_day is null
            then format('its use is known of %s days, three are needed', sequence.days) else 'it does not grow' end)
  ) as r(resource, unit, used, ceiling, factor, ends_at, reason);

  return jsonb_build_object(
    'at', get_capacity.at,
    'basis', jsonb_build_object('window', interval '24 hours', 'passes', used.passes,
      'busiest_calls_per_minute', round(used.calls_per_minute::numeric, 1), 'busy_sessions', used.busy,
      'sessions_held_in_transactions', used.held, 'cpus', used.cpus, 'cpu_percent_at_rest', used.cpu_idle,
      'bytes_per_connection', used.backend_memory, 'disk_bytes_per_day', round(disk.bytes_per_day)),
    'season_factor', round(season_factor, 2),
    'at_load', (
      select jsonb_agg(jsonb_build_object(
               'factor', f.factor,
               'connections_needed', f.connections, 'connections_missing', greatest(f.connections - used.usable, 0),
               'pool_size', f.pool, 'pool_missing', greatest(f.pool - used.usable, 0),
               'cpu_percent', f.cpu, 'cpus_needed', ceil(used.cpus * f.cpu / cpu_limit),
               'memory_more_bytes', f.memory, 'memory_missing_bytes', greatest(f.memory - used.memory_free, 0),
               'disk_full_at', case when disk.bytes_per_day > 0 then get_capacity.at + make_interval(days => least(disk.free / (disk.bytes_per_day * f.factor), 36500)::integer) end,
               'ends', (select coalesce(jsonb_agg(e -> 'resource' order by (e ->> 'ends_at_factor')::numeric), '[]')
                        from jsonb_array_elements(resources) e where (e ->> 'ends_at_factor')::numeric < f.factor))
             order by f.factor)
      from (select n.factor, ceil(used.connections * n.factor)::integer as connections, _wedding_dbopt.pool_size(sessions * n.factor) as pool,
                   round(coalesce(used.cpu_idle, 0) + (used.cpu - coalesce(used.cpu_idle, 0)) * n.factor, 1) as cpu,
                   round(used.connections * (n.factor - 1) * used.backend_memory) as memory
            from (select distinct round(v.factor, 2) as factor from (values (1.0), (season_factor), (4), (5), (10)) v(factor)) n) f),
    'resources', resources,
    'ends_first', (
      select e from jsonb_array_elements(resources) e
      where e ->> 'ends_at_factor' is not null order by (e ->> 'ends_at_factor')::numeric limit 1),
    'ends_first_behind_a_pooler', (
      select e from jsonb_array_elements(resources) e
      where e ->> 'ends_at_factor' is not null and e ->> 'resource' not in ('connections', 'memory')
      order by (e ->> 'ends_at_factor')::numeric limit 1),
    'pgbouncer', (
      select jsonb_build_object(
        'default_pool_size', _wedding_dbopt.pool_size(sessions * season_factor),
        'reserve_pool_size', greatest(_wedding_dbopt.pool_size(sessions * 10) - _wedding_dbopt.pool_size(sessions * season_factor), 0),
        'max_db_connections', used.usable,
        'max_client_conn', ceil(used.connections * 10)::integer,
        'by_role', (
          select jsonb_object_agg(role.name, _wedding_dbopt.pool_size(sessions * season_factor * role.share))
          from _wedding_dbopt.role_shares(get_capacity.at - interval '24 hours', get_capacity.at) role))
      where sessions is not null));
end $$;
comment on function wedding_dbopt.get_capacity(timestamptz) is
  'How much more load the server carries. resources: what the busiest five minutes of the last day used of each, the limit, and at which multiple of that load (or when) it ends, or null with the reason; at_load: connections, pool size, CPU and memory at 1, 4, 5, 10 times and at the season''s multiple; ends_first: what gives way first, and what behind a pooler; pgbouncer: pool sizes for transaction pooling, in all and by role.';
