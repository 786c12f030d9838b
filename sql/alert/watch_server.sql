create or replace function _wedding_dbopt.watch_server(at timestamptz) returns setof _wedding_dbopt.alert_signal
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
begin
  return query
  select x.kind, x.object, x.context, x.severity, x.value::float8, x.threshold::numeric, x.message, x.evidence from (
  with hour as materialized (
    select s.at, s.cpu_percent, s.cpus, s.load_1m, s.memory_total, s.memory_available, s.disk_total, s.disk_free, s.blks_hit, s.blks_read,
      s.xact_commit, s.xact_rollback, s.deadlocks, s.checkpoints_requested, s.xid_age, s.multixact_age, s.slots, s.standbys, s.other_disks,
      row_number() over (order by s.at desc) as back
    from _wedding_dbopt.system_sample s
    where s.at > watch_server.at - interval '1 hour' and s.at <= watch_server.at
  ), pass as materialized (
    select h.* from hour h where h.back = 1 and h.at > watch_server.at - interval '2 minutes'
  ), other as (  -- a full disk of WAL stops the server as that of the data does
    select o.name, o.total, o.free
    from (select h.other_disks from hour h where h.at > watch_server.at - interval '17 minutes' and h.other_disks is not null
          order by h.at desc limit 1) l
    cross join lateral jsonb_to_recordset(l.other_disks) as o (name text, total bigint, free bigint)
    where exists (select from pass)
  ), span as materialized (
    select sum(h.xact_rollback) filter (where h.back = 1) as rolled_now, sum(h.xact_rollback + h.xact_commit) filter (where h.back = 1) as all_now,
      sum(h.xact_rollback) filter (where h.at > watch_server.at - interval '5 minutes') as rolled,
      sum(h.xact_rollback + h.xact_commit) filter (where h.at > watch_server.at - interval '5 minutes') as transactions,
      sum(h.deadlocks) filter (where h.at > watch_server.at - interval '5 minutes') as deadlocks,
      sum(h.checkpoints_requested) filter (where h.at > watch_server.at - interval '10 minutes') as requested,
      min(h.cpu_percent) filter (where h.at > watch_server.at - interval '5 minutes') as cpu,
      count(h.cpu_percent) filter (where h.at > watch_server.at - interval '5 minutes') as cpu_passes,
      min(h.blks_read::float8 / nullif(h.blks_hit + h.blks_read, 0)) filter (where h.back <= 2) as missed,
      max(h.blks_read::float8 / nullif(h.blks_hit + h.blks_read, 0)) filter (where h.back = 1) as missed_now,
      sum(h.blks_read) filter (where h.back > 2) / nullif(sum(h.blks_hit + h.blks_read) filter (where h.back > 2), 0) as usually_missed,
      (array_agg(h.disk_free order by h.at))[1] as free_before, extract(epoch from max(h.at) - min(h.at)) / 3600 as hours
    from hour h
  ), signal (kind, object, value, message, evidence) as (
    select 'rollbacks', 'database', 100 * greatest((s.rolled_now - 3 * sqrt(s.rolled_now)) / nullif(s.all_now, 0), (s.rolled - 3 * sqrt(s.rolled)) / nullif(s.transactions, 0))::float8,
      format('%s of %s transactions of the last five minutes were rolled back (%s %%), %s of them in the last pass.', s.rolled, s.transactions,
             round(100.0 * s.rolled / nullif(s.transactions, 0), 2), s.rolled_now), '{}'::jsonb
    from span s, pass p where s.rolled >= 20
    union all
    select 'deadlocks', 'database', s.deadlocks::float8, format('%s deadlocks in the last five minutes: in each a transaction was cancelled.', s.deadlocks), '{}'
    from span s, pass p
    union all
    select 'cache_misses', 'database', 100 * case when s.missed_now > 10 * s.usually_missed then s.missed_now else s.missed end,
      format('%s %% of the blocks came from outside shared_buffers in the last pass, in the hour before %s %%.', round((100 * s.missed_now)::numeric, 1), round((100 * s.usually_missed)::numeric, 2)), '{}'
    from span s, pass p where p.blks_read >= 1000 and (s.missed > 5 * s.usually_missed or s.missed_now > 10 * s.usually_missed)
    union all
    select 'disk_used', 'data disk', 100 * (1 - p.disk_free::float8 / p.disk_total), format('The data disk is %s %% full, %s are free.', round(100 * (1 - p.disk_free::numeric / p.disk_total), 1), pg_size_pretty(p.disk_free)), '{}'
    from pass p where p.disk_total > 0
    union all
    select 'disk_used', 'disk of ' || o.name, 100 * (1 - o.free::float8 / o.total),
      format('The disk of %s is %s %% full, %s are free.', o.name, round(100 * (1 - o.free::numeric / o.total), 1), pg_size_pretty(o.free)), '{}'
    from other o
    union all
    select 'disk_filling', 'data disk', 400.0 * (s.free_before - p.disk_free) / s.hours / greatest(p.disk_free, 1),
      format('The data disk loses %s an hour and is full in %s hours at this pace (%s are free).', pg_size_pretty(((s.free_before - p.disk_free) / s.hours)::numeric),
             round((p.disk_free * s.hours / nullif(s.free_before - p.disk_free, 0))::numeric, 1), pg_size_pretty(p.disk_free)), '{}'
    from span s, pass p where s.hours >= 0.25 and s.free_before - p.disk_free > 0.01 * p.disk_total
    union all
    select 'cpu', 'machine', s.cpu::float8, format('The processors were at least %s %% busy in each of the last %s passes (load %s on %s processors).', round(s.cpu, 1), s.cpu_passes, round(p.load_1m, 1), p.cpus), '{}'
    from span s, pass p where s.cpu_passes >= 4
    union all
    select 'memory', 'machine', 100 * (1 - p.memory_available::float8 / p.memory_total), format('%s of %s of memory are available.', pg_size_pretty(p.memory_available), pg_size_pretty(p.memory_total)), '{}'
    from pass p where p.memory_total > 0
    union all
    select 'checkpoints', 'server', s.requested::float8, format('%s checkpoints were requested in the last ten minutes because max_wal_size (%s) was reached: each makes writes slower for a while.', s.requested, current_setting('max_wal_size')), '{}'
    from span s, pass p
    union all
    select 'wraparound', 'server', greatest(p.xid_age, p.multixact_age) / 2.1e7, format('The oldest transaction id is %s transactions old, the oldest multixact %s; at 2,100,000,000 the server stops.',
      to_char(p.xid_age, 'FM9,999,999,999'), to_char(p.multixact_age, 'FM9,999,999,999')), '{}'
    from pass p
    union all
    select 'standby_lag', e.name, e.lag_s, format('Standby %s is %s s and %s behind.', e.name, round(e.lag_s::numeric), pg_size_pretty(e.lag_bytes)), '{}'
    from pass p cross join lateral jsonb_to_recordset(p.standbys) as e (name text, lag_s float8, lag_bytes numeric)
    union all
    select 'slot_retention', e.name, case when e.wal_status = 'lost' then 100 else 100 * e.retained_bytes / greatest(d.free, 1) end::float8,
      case when e.wal_status = 'lost' then format('Replication slot %s has lost WAL that it needed: its reader must be set up again.', e.name)
           else format('Nobody reads replication slot %s, and it keeps %s of WAL; %s of the disk are free.', e.name, pg_size_pretty(e.retained_bytes), pg_size_pretty(d.free)) end,
      jsonb_build_object('slot', e.name)
    from pass p cross join lateral jsonb_to_recordset(p.slots) as e (name text, active boolean, retained_bytes numeric, wal_status text)
    cross join lateral (select coalesce((select o.free from other o where o.name ~ '^WAL'), p.disk_free) as free) d
    where not e.active or e.wal_status = 'lost'
  )
  select s.kind, s.object, null::text, _wedding_dbopt.alert_grade(s.value, r.warning, r.critical), s.value,
    _wedding_dbopt.alert_threshold(s.value, r.warning, r.critical), s.message, s.evidence
  from signal s join _wedding_dbopt.alert_rule r on r.kind = s.kind and r.enabled
  where _wedding_dbopt.alert_grade(s.value, r.warning, r.critical) is not null
  ) as x (kind, object, context, severity, value, threshold, message, evidence);
end $$;
comment on function _wedding_dbopt.watch_server(timestamptz) is
  'Signals of the database and its machine in the last pass, against the hour before where a value alone says nothing.';
