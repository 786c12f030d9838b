create or replace function _wedding_dbopt.system_resources(at timestamptz) returns jsonb
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with latest as (
    select sample.* from _wedding_dbopt.system_sample as sample
    where sample.at <= system_resources.at and sample.at > system_resources.at - interval '15 minutes'
    order by sample.at desc limit 1
  ), other as (  -- looked at each quarter of an hour
    select sample.other_disks as disks from _wedding_dbopt.system_sample as sample
    where sample.at <= system_resources.at and sample.at > system_resources.at - interval '1 hour' and sample.other_disks is not null
    order by sample.at desc limit 1
  ), hour as (
    select sum(sample.blks_hit) as hit, sum(sample.blks_read) as read, sum(sample.xact_commit) as committed,
           sum(sample.xact_rollback) as rolled_back, sum(sample.deadlocks) as deadlocks, sum(sample.temp_bytes) as temp_bytes,
           sum(sample.wal_bytes) as wal_bytes, sum(sample.wal_full_pages) as wal_full_pages, sum(sample.temp_files) as temp_files,
           sum(sample.checkpoints_requested) as requested, sum(sample.checkpoints_timed) as timed
    from _wedding_dbopt.system_sample as sample
    where sample.at <= system_resources.at and sample.at > system_resources.at - interval '1 hour'
  ), refused as (
    select jsonb_object_agg(entry.source, entry.reason) as reasons
    from (select distinct on (log.source) log.source, log.reason
          from _wedding_dbopt.collect_log as log
          where log.at <= system_resources.at and log.at > system_resources.at - interval '15 minutes'
          order by log.source, log.at desc) as entry
    where entry.reason is not null
  )
  select jsonb_build_object(
    'sampled_at', latest.at,
    'cpu_percent', latest.cpu_percent, 'cpus', latest.cpus, 'load_1m', latest.load_1m,
    'memory_total_bytes', latest.memory_total, 'memory_available_bytes', latest.memory_available,
    'memory_used_percent', round(100.0 * (latest.memory_total - latest.memory_available) / nullif(latest.memory_total, 0), 1),
    'disk_total_bytes', latest.disk_total, 'disk_free_bytes', latest.disk_free,
    'disk_used_percent', round(100.0 * (latest.disk_total - latest.disk_free) / nullif(latest.disk_total, 0), 1),
    'other_disks', other.disks,
    'cache_hit_ratio', round(hour.hit / nullif(hour.hit + hour.read, 0), 6),
    'blocks_read_last_hour', hour.read, 'commits_last_hour', hour.committed, 'rollbacks_last_hour', hour.rolled_back,
    'deadlocks_last_hour', hour.deadlocks, 'temp_bytes_last_hour', hour.temp_bytes, 'wal_bytes_last_hour', hour.wal_bytes,
    'temp_files_last_hour', hour.temp_files, 'wal_full_pages_last_hour', hour.wal_full_pages,
    'checkpoints_requested_last_hour', hour.requested, 'checkpoints_timed_last_hour', hour.timed,
    'xid_age', latest.xid_age, 'multixact_age', latest.multixact_age,
    'oldest_table', (select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where c.oid = latest.oldest_table),
    'oldest_table_age', latest.oldest_table_age, 'xmin_age', latest.xmin_age, 'xmin_holder', latest.xmin_holder,
    'prepared_transactions', latest.prepared_transactions, 'autovacuum_workers', latest.autovacuum_workers,
    'replication_slots', latest.slots, 'standbys', latest.standbys, 'io', latest.io,
    'collector_ms_last_hour', round(own.collector_ms), 'collector_share_percent', round(own.share_percent, 3),
    'reasons', coalesce(refused.reasons, '{}') || case when latest.at is null
      then jsonb_build_object('system', 'no sample of the machine in the last 15 minutes') else '{}' end)
  from hour cross join refused
  cross join _wedding_dbopt.own_cost(system_resources.at - interval '1 hour', system_resources.at) as own
  left join latest on true
  left join other on true
$$;
comment on function _wedding_dbopt.system_resources(timestamptz) is
  'The machine and the database at a time: sizes in bytes, counters of the last hour; what could not be read is null and has its reason. collector_share_percent is our own part of all time that statements took.';
