-- A setting is a finding where it endangers data, or where the workload since the last reload shows what it costs: so a
-- remedy silences it at once, and it comes back if it did not help.
create or replace function _wedding_dbopt.check_settings(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with setting as materialized (
    -- What this session, or these functions, changed for themselves is nobody's finding.
    select name, coalesce(reset_val, setting) as value, boot_val, context, pending_restart, source from pg_settings
  ), bytes as materialized (
    select name, coalesce(reset_val, setting)::numeric
             * case unit when '8kB' then 8192 when 'kB' then 1024 when 'MB' then 1048576 when 'B' then 1 else 1 end as value
    from pg_settings
    where name in ('shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem', 'max_wal_size', 'min_wal_size')
  ), since as (
    select greatest(check_settings.at - interval '24 hours', pg_conf_load_time()) as moment
  ), load as materialized (
    select max(sample.memory_total) as memory, sum(sample.blks_hit) as hit, sum(sample.blks_read) as read, sum(sample.temp_bytes) as temp_bytes,
           sum(sample.checkpoints_requested) as checkpoints, sum(sample.wal_bytes) as wal_bytes,
           extract(epoch from max(sample.at) - min(sample.at)) / 3600 as hours
    from _wedding_dbopt.system_sample as sample, since where sample.at > since.moment and sample.at <= check_settings.at
  ), machine as materialized (
    select sample.memory_total as memory from _wedding_dbopt.system_sample as sample
    where sample.at <= check_settings.at and sample.at > check_settings.at - interval '24 hours' and sample.memory_total is not null
    order by sample.at desc limit 1
  ), peak as materialized (
    select max(sample.total_max) as connections, max(sample.max_transaction_s) filter (where sample.idle_in_transaction_max > 0) as longest_idle
    from _wedding_dbopt.connection_sample as sample, since where sample.at > since.moment and sample.at <= check_settings.at
  ), reads as materialized (
    select sum(delta.read_us) / 1000.0::float8 / nullif(sum(delta.read), 0) as ms_per_block, sum(delta.read)::bigint as blocks
    from (  -- not statement_delta(), which unpacks eight times as many columns
      select unnest(sample.read) as read, unnest(sample.read_us) as read_us
      from since, _wedding_dbopt.statement_sample as sample
      where sample.at > greatest(since.moment, check_settings.at - interval '1 hour') and sample.at <= check_settings.at and sample.read_us is not null) as delta
    where delta.read_us > 0
  ), size as materialized (
    select sum(relpages)::numeric * current_setting('block_size')::integer as value,
           max(relpages) filter (where relkind in ('r', 'm'))::numeric * current_setting('block_size')::integer as largest
    from pg_class where relkind in ('r', 'm', 'i', 't')
  ), fault (kind, severity, name, reason, evidence, remedy) as (
    select 'unsafe_setting', 'critical', setting.name, danger.reason, jsonb_build_object('value', setting.value), _wedding_dbopt.set_and_reload(setting.name, danger.value)
    from setting
    join (values
      ('fsync', 'on', 'fsync is off: after a loss of power or a crash of the machine the database may be beyond repair.'),
      ('full_page_writes', 'on', 'full_page_writes is off: a page that was half written when the power failed stays broken.'),
      ('autovacuum', 'on', 'autovacuum is off: dead rows pile up, statistics grow old, and at the end of the transaction ids the server stops.'),
      ('track_counts', 'on', 'track_counts is off: autovacuum does not know where to go, and nobody sees what tables are used for.'),
      ('zero_damaged_pages', 'off', 'zero_damaged_pages is on: damaged pages are wiped in silence.'),
      ('ignore_checksum_failure', 'off', 'ignore_checksum_failure is on: damaged data is read in silence.')) as danger (name, value, reason)
      on danger.name = setting.name and danger.value <> setting.value
    union all
    select 'unsafe_setting', 'warning', setting.name, 'synchronous_commit is off: the last bookings and payments before a crash are lost although they were confirmed.',
           jsonb_build_object('value', setting.value), _wedding_dbopt.set_and_reload(setting.name, 'on')
    from setting where setting.name = 'synchronous_commit' and setting.value = 'off'
    union all
    select 'planner_switched_off', 'warning', setting.name,
           format('%s is off for the whole server: the planner avoids that way even where every other is far dearer.', setting.name),
           jsonb_build_object('value', setting.value), format(E'alter system reset %s;\nselect pg_reload_conf()', setting.name)
    from setting where setting.name like 'enable\_%' and setting.boot_val = 'on' and setting.value = 'off'
    union all
    select 'pending_restart', 'warning', 'server', format('These settings were changed and wait for a restart of the server: %s.', string_agg(setting.name, ', ' order by setting.name)),
           jsonb_build_object('settings', jsonb_agg(setting.name)), null
    from setting where setting.pending_restart and setting.source <> 'command line' having count(*) > 0
    union all
    select 'weak_password_hash', 'warning', setting.name, 'New passwords are stored as MD5, which a stolen copy gives away; scram-sha-256 is the server''s default.',
           jsonb_build_object('value', setting.value), _wedding_dbopt.set_and_reload(setting.name, 'scram-sha-256')
    from setting where setting.name = 'password_encryption' and setting.value not in ('scram-sha-256')
    union all
    select 'unencrypted_connections', 'warning', 'ssl', format('The server listens on %s without TLS: passwords of applications and data of guests pass in the clear. It needs a certificate (ssl_cert_file, ssl_key_file).', heard.value),
           jsonb_build_object('listen_addresses', heard.value), _wedding_dbopt.set_and_reload('ssl', 'on')
    from setting, setting as heard
    where setting.name = 'ssl' and setting.value = 'off' and heard.name = 'listen_addresses'
      and exists (select from regexp_split_to_table(heard.value, '\s*,\s*') as address where address not in ('', 'localhost', '127.0.0.1', '::1'))
    union all
    select 'io_timing_off', 'info', setting.name, 'track_io_timing is off: slow statements cannot be told from slow disks.',
           jsonb_build_object('value', setting.value), _wedding_dbopt.set_and_reload(setting.name, 'on')
    from setting where setting.name = 'track_io_timing' and setting.value = 'off'
    union all
    select 'statements_not_tracked', 'warning', setting.name, format(case setting.name when 'track_activities' then '%s is %s: what sessions do and wait for is not known.'
                  else '%s is %s: statements are not counted, and no advice can come of them.' end, setting.name, setting.value),
           jsonb_build_object('value', setting.value), _wedding_dbopt.set_and_reload(setting.name, case setting.name when 'track_activities' then 'on' when 'compute_query_id' then 'auto' else 'top' end)
    from setting where (setting.name, setting.value) in (('pg_stat_statements.track', 'none'), ('compute_query_id', 'off'), ('track_activities', 'off'))
    union all
    select 'logs_everything', 'warning', setting.name, format('%s = %s writes each statement, with the data of guests in it, to the server''s log.', setting.name, setting.value),
           jsonb_build_object('value', setting.value), format(E'alter system reset %s;\nselect pg_reload_conf()', setting.name)
    from setting where (setting.name, setting.value) in (('log_statement', 'all'), ('log_min_duration_statement', '0'))
    union all
    select 'low_statistics_default', 'warning', setting.name, format('default_statistics_target is %s: the planner knows fewer frequent values than by default.', setting.value),
           jsonb_build_object('value', setting.value), format(E'alter system reset %s;\nselect pg_reload_conf()', setting.name)
    from setting where setting.name = 'default_statistics_target' and setting.value::integer < 100
    union all
    select 'no_checksums', 'info', setting.name, 'The cluster has no data checksums: pages that a disk damages are read as if they were whole. pg_checksums --enable turns them on while the server is stopped.',
           jsonb_build_object('value', setting.value), null
    from setting where setting.name = 'data_checksums' and setting.value = 'off'
    union all
    select 'small_shared_buffers', 'warning', 'shared_buffers',
           format('shared_buffers is %s of %s memory, and of %s blocks read in the last %s hours only %s %% were found there.', pg_size_pretty(bytes.value), pg_size_pretty(machine.memory),
                  load.hit + load.read, round(load.hours, 1), round(100 * load.hit / (load.hit + load.read), 1)),
           jsonb_build_object('bytes', bytes.value, 'memory', machine.memory, 'hit', load.hit, 'read', load.read),
           _wedding_dbopt.set_and_reload('shared_buffers', (machine.memory / 4 / 1048576) || 'MB')
    from bytes, machine, load, size
    where bytes.name = 'shared_buffers' and bytes.value < 0.15 * machine.memory and size.value > bytes.value
      and load.read >= 100000 and load.hit < 0.99 * (load.hit + load.read)
      and not exists (select from setting where setting.name = 'shared_buffers' and setting.pending_restart)
    union all
    select 'memory_overcommitted', 'warning', 'work_mem',
           format('shared_buffers (%s) and one work_mem (%s) for each of the %s connections seen make more than the machine''s %s: at such an hour the server may be killed for want of memory.',
                  pg_size_pretty(shared.value), pg_size_pretty(work.value), peak.connections, pg_size_pretty(machine.memory)),
           jsonb_build_object('shared_buffers', shared.value, 'work_mem', work.value, 'connections', peak.connections, 'memory', machine.memory),
           _wedding_dbopt.set_and_reload('work_mem', greatest(1024, trunc((machine.memory * 0.5 - least(shared.value, machine.memory * 0.4)) / peak.connections / 1024)) || 'kB')
    from bytes as shared, bytes as work, machine, peak
    where shared.name = 'shared_buffers' and work.name = 'work_mem' and peak.connections > 0
      and shared.value + peak.connections * work.value > machine.memory
    union all
    select 'wrong_cache_size', case when bytes.value > machine.memory then 'warning' else 'info' end, 'effective_cache_size',
           format('effective_cache_size is %s on a machine with %s memory: the planner thinks that %s is cached than can be.', pg_size_pretty(bytes.value), pg_size_pretty(machine.memory),
                  case when bytes.value > machine.memory then 'more' else 'far less' end),
           jsonb_build_object('bytes', bytes.value, 'memory', machine.memory),
           _wedding_dbopt.set_and_reload('effective_cache_size', trunc(machine.memory * 0.7 / 1048576) || 'MB')
    from bytes, machine, size
    where bytes.name = 'effective_cache_size' and (bytes.value > machine.memory or (bytes.value < 0.2 * machine.memory and size.value > bytes.value))
    union all
    select 'small_maintenance_memory', 'info', 'maintenance_work_mem',
           format('maintenance_work_mem is %s and the largest table %s: vacuum and index builds go over it in many pieces.', pg_size_pretty(bytes.value), pg_size_pretty(size.largest)),
           jsonb_build_object('bytes', bytes.value, 'largest_table', size.largest),
           _wedding_dbopt.set_and_reload('maintenance_work_mem', least(1024, greatest(256, trunc(machine.memory / 32 / 1048576))) || 'MB')
    from bytes, machine, size
    where bytes.name = 'maintenance_work_mem' and bytes.value < 134217728 and size.largest > 1073741824 and machine.memory > 4294967296
    union all
    select 'frequent_checkpoints', 'warning', 'max_wal_size',
           format('%s checkpoints in %s hours came because max_wal_size (%s) was full, not by the clock: each makes all pages be written to WAL in full again (%s of WAL in that time).',
                  load.checkpoints, round(load.hours, 1), pg_size_pretty(bytes.value), pg_size_pretty(load.wal_bytes)),
           jsonb_build_object('requested', load.checkpoints, 'hours', load.hours, 'max_wal_size', bytes.value, 'wal_bytes', load.wal_bytes),
           _wedding_dbopt.set_and_reload('max_wal_size', trunc(2 * bytes.value / 1048576) || 'MB')
    from bytes, load
    where bytes.name = 'max_wal_size' and load.checkpoints >= 6 and load.checkpoints > 2 * greatest(load.hours, 1)
    union all
    select 'dear_random_reads', 'info', setting.name,
           format('A block was read in %s ms on average (%s blocks in the last hour), as from an SSD or the system''s cache, but random_page_cost is %s: the planner shuns indexes.',
                  round(reads.ms_per_block::numeric, 3), reads.blocks, setting.value),
           jsonb_build_object('ms_per_block', reads.ms_per_block, 'blocks', reads.blocks), _wedding_dbopt.set_and_reload(setting.name, '1.1')
    from setting, reads
    where setting.name = 'random_page_cost' and setting.value::float8 >= 3 and reads.blocks >= 10000 and reads.ms_per_block < 1
    union all
    select 'idle_timeout_unset', 'info', setting.name,
           format('A transaction stayed open for %s minutes while sessions idled inside one, and idle_in_transaction_session_timeout is 0: nothing ends a forgotten one.',
                  round(peak.longest_idle / 60, 1)),
           jsonb_build_object('longest_s', peak.longest_idle), _wedding_dbopt.set_and_reload(setting.name, '5min')
    from setting, peak
    where setting.name = 'idle_in_transaction_session_timeout' and setting.value = '0' and peak.longest_idle >= 300
    union all
    select 'too_many_connections_allowed', 'info', setting.name,
           format('max_connections is %s; no more than %s were open at once. Each allowed one costs memory, and hundreds at work slow each other: a pool in front serves more with fewer.',
                  setting.value, peak.connections),
           jsonb_build_object('max_connections', setting.value::integer, 'peak', peak.connections),
           _wedding_dbopt.set_and_reload(setting.name, greatest(100, 3 * peak.connections)::text)
    from setting, peak, load
    where setting.name = 'max_connections' and setting.value::integer > 500 and peak.connections < 0.2 * setting.value::integer and load.hours >= 20
      and not setting.pending_restart
    union all
    select 'huge_pages_unused', 'info', setting.name, format('shared_buffers is %s and huge_pages is off: the page tables alone take memory from each connection.', pg_size_pretty(bytes.value)),
           jsonb_build_object('shared_buffers', bytes.value), _wedding_dbopt.set_and_reload(setting.name, 'try')
    from setting, bytes
    where setting.name = 'huge_pages' and setting.value = 'off' and not setting.pending_restart and bytes.name = 'shared_buffers' and bytes.value >= 8589934592
  )
  select fault.kind, fault.severity, fault.name, null::oid, null::integer[], null::text, fault.reason, fault.evidence, fault.remedy from fault;
end $$;
comment on function _wedding_dbopt.check_settings(timestamptz) is
  'Findings: settings that endanger data, or that the workload of the last day shows to be wrong for it.';
