create or replace function wedding_dbopt.get_latest_metrics(at timestamptz default now()) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with pass as (
    select sample.at, sample.previous_at, sample.complete, extract(epoch from sample.at - sample.previous_at) / 60 as minutes
    from _wedding_dbopt.statement_sample as sample
    where sample.at <= get_latest_metrics.at and sample.at > get_latest_metrics.at - interval '1 hour'
    order by sample.at desc limit 1
  ), load as (
    select known.place, known.context, objective.latency_ms, sample.calls, sample.exec_ms, sample.above, sample.above_low, sample.above_high,
           sample.hit, sample.read, pass.minutes
    from pass
    cross join _wedding_dbopt.contexts() as known
    left join _wedding_dbopt.context_sample as sample
      on sample.at = pass.at and sample.context = known.context
      and sample.at <= get_latest_metrics.at and sample.at > get_latest_metrics.at - interval '1 hour'
    left join _wedding_dbopt.objective on objective.context = known.context
  ), connection as (
    select sample.* from _wedding_dbopt.connection_sample as sample
    where sample.at <= get_latest_metrics.at and sample.at > get_latest_metrics.at - interval '1 hour'
    order by sample.at desc limit 1
  ), machine as (
    select sample.* from _wedding_dbopt.system_sample as sample
    where sample.at <= get_latest_metrics.at and sample.at > get_latest_metrics.at - interval '1 hour'
    order by sample.at desc limit 1
  )
  select jsonb_build_object(
    'timestamp', pass.at,
    'interval_seconds', round(60 * pass.minutes, 3),
    'complete', pass.complete,
    'reason', case when pass.at is null then 'no collection pass in the hour before' end,
    'contexts', (
      select jsonb_object_agg(load.context, jsonb_build_object(
               'calls_per_minute', round(coalesce(load.calls, 0) / nullif(load.minutes, 0), 3),
               'average_ms', round((load.exec_ms / nullif(load.calls, 0))::numeric, 6), 'objective_ms', load.latency_ms,
               'calls_above', round(load.above::numeric, 3), 'calls_above_low', load.above_low, 'calls_above_high', load.above_high,
               'cache_hit_ratio', round(load.hit::numeric / nullif(load.hit + load.read, 0), 6)))
      from load),
    'connection_pool', (
      select jsonb_build_object('active_connections', connection.active, 'idle_connections', connection.idle,
               'idle_in_transaction', connection.idle_in_transaction, 'waiting_connections', connection.waiting,
               'total_connections', connection.total, 'peak_active', connection.active_max, 'peak_total', connection.total_max,
               'max_connections', connection.max_connections,
               'connection_utilization', round(100.0 * connection.total / nullif(connection.max_connections - connection.reserved, 0), 2))
      from connection),
    'system_resources', (select jsonb_strip_nulls(to_jsonb(machine) - 'at' - 'cpu_jiffies') from machine),
    'alerts', (
      select coalesce(jsonb_agg(jsonb_build_object('id', entry.id, 'severity', entry.severity, 'kind', entry.kind, 'context', entry.context,
               'opened_at', entry.opened_at, 'message', entry.message)
               order by array_position(array['critical', 'warning', 'info'], entry.severity), entry.opened_at desc), '[]')
      from _wedding_dbopt.alert as entry
      where entry.opened_at <= get_latest_metrics.at and coalesce(entry.resolved_at, 'infinity') > get_latest_metrics.at))
  from (values (1)) as always(one) left join pass on true
$$;
comment on function wedding_dbopt.get_latest_metrics(timestamptz) is
  'What the last collection pass stored, for a dashboard that asks often: load of each business context and its calls above the objective, connections, the alerts that are open, and the machine (sizes in bytes, counters of the interval). get_metrics() has the whole picture.';
