create or replace function _wedding_dbopt.server_figures(since timestamptz, until timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with sessions as (
    select round(avg(sample.total), 2) as average, max(sample.total) as most, round(avg(sample.active), 2) as active,
           max(sample.waiting) as waiting, max(sample.max_connections) as allowed
    from _wedding_dbopt.connection_sample as sample where sample.at > server_figures.since and sample.at <= server_figures.until
  ), machine as (
    select round(avg(sample.cpu_percent), 2) as cpu, min(sample.memory_available) as memory, min(sample.disk_free) as disk,
           sum(sample.blks_hit) as hit, sum(sample.blks_read) as read, sum(sample.xact_commit) as committed,
           sum(sample.xact_rollback) as rolled_back, sum(sample.deadlocks) as deadlocks, sum(sample.temp_bytes) as temp_bytes, sum(sample.wal_bytes) as wal_bytes
    from _wedding_dbopt.system_sample as sample where sample.at > server_figures.since and sample.at <= server_figures.until
  ), span as (
    select (extract(epoch from server_figures.until - server_figures.since) / 3600)::numeric as hours
  )
  select jsonb_build_object(
    'server_version', current_setting('server_version'),
    'connections_average', sessions.average, 'connections_most', sessions.most, 'connections_active_average', sessions.active,
    'connections_waiting_most', sessions.waiting, 'max_connections', sessions.allowed,
    'cpu_percent_average', machine.cpu, 'memory_available_least', machine.memory, 'disk_free_least', machine.disk,
    'cache_hit_percent', round(100 * machine.hit / nullif(machine.hit + machine.read, 0), 2),
    'commits_per_hour', round(machine.committed / span.hours, 1), 'rollbacks_per_hour', round(machine.rolled_back / span.hours, 1),
    'deadlocks_per_hour', round(machine.deadlocks / span.hours, 3),
    'temp_bytes_per_hour', round(machine.temp_bytes / span.hours), 'wal_bytes_per_hour', round(machine.wal_bytes / span.hours))
  from sessions, machine, span
$$;
comment on function _wedding_dbopt.server_figures(timestamptz, timestamptz) is
  'Connections, machine and whole database in a window, from the raw samples; null where these are gone.';
