create or replace function _wedding_dbopt.health_limits(at timestamptz)
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with latest as (
    select sample.* from _wedding_dbopt.system_sample as sample
    where sample.at <= health_limits.at and sample.at > health_limits.at - interval '15 minutes'
    order by sample.at desc limit 1
  ), sequence as (
    select format('%I.%I', pg_namespace.nspname, pg_class.relname) as name, entry.used
    from (select used.* from _wedding_dbopt.sequence_use as used where used.at <= health_limits.at order by used.day desc limit 1) as last_day
    cross join lateral unnest(last_day.relids, last_day.used) as entry(relid, used)
    join pg_class on pg_class.oid = entry.relid
    join pg_namespace on pg_namespace.oid = pg_class.relnamespace
  ), slot as (
    select entry.name, entry.active, entry.retained_bytes, entry.wal_status, latest.disk_free
    from latest
    cross join lateral jsonb_to_recordset(latest.slots) as entry(name text, active boolean, retained_bytes numeric, wal_status text)
  ), blocking as (
    select max(sample.longest_wait_s) as wait_s, max(sample.waiting) as waiting
    from _wedding_dbopt.lock_sample as sample
    where sample.at > health_limits.at - interval '15 minutes' and sample.at <= health_limits.at
  )
  select case when sequence.used >= 0.95 then 'critical' else 'warning' end, 'sequence_exhaustion', sequence.name,
         format('%s %% of its numbers are used; then every insert that needs one fails.', round((100 * sequence.used)::numeric, 1)),
         'make its column bigint, and ALTER SEQUENCE ... AS bigint'
  from sequence where sequence.used >= 0.8
  union all
  select case when slot.wal_status = 'lost' or slot.retained_bytes > 0.5 * slot.disk_free then 'critical' else 'warning' end,
         'replication_slot', slot.name,
         case when slot.wal_status = 'lost' then 'The slot has lost WAL that it needed: its subscriber or standby must be set up again.'
              else format('Nobody reads this slot, and it keeps %s of WAL.', pg_size_pretty(slot.retained_bytes)) end,
         format('select pg_drop_replication_slot(%L)', slot.name)
  from slot
  where slot.wal_status = 'lost'
     or not slot.active and slot.retained_bytes > pg_size_bytes(current_setting('max_wal_size'))
  union all
  select 'warning', 'standby_lag', entry.name,
         format('The standby is %s behind (%s).', pg_size_pretty(entry.lag_bytes), coalesce(entry.lag_s || ' s', 'time unknown')), null
  from latest cross join lateral jsonb_to_recordset(latest.standbys) as entry(name text, lag_bytes numeric, lag_s numeric)
  where entry.lag_s > 60 or entry.lag_bytes > pg_size_bytes(current_setting('max_wal_size'))
  union all
  select 'warning', 'prepared_transaction', null,
         format('%s prepared transactions, the oldest open for %s minutes: it keeps its locks and dead rows.', latest.prepared_transactions,
                round(latest.oldest_prepared_s / 60, 1)),
         'select gid, prepared, owner from pg_prepared_xacts; rollback prepared ''...'''
  from latest
  where latest.oldest_prepared_s > extract(epoch from _wedding_dbopt.setting_value('long_transaction_limit')::interval)
  union all
  select 'warning', 'dead_rows_kept', latest.xmin_holder,
         format('Vacuum removes no row that died in the last %s transactions, because of it.', to_char(latest.xmin_age, 'FM9,999,999,999')), null
  from latest
  where latest.xmin_age > current_setting('autovacuum_freeze_max_age')::bigint / 100
  union all
  select case when latest.multixact_age > 1500000000 then 'critical' else 'warning' end, 'multixact_age', null,
         format('The oldest multixact is %s multixacts old, the server stops at about 2,100,000,000: vacuum lags.',
                to_char(latest.multixact_age, 'FM9,999,999,999')), 'vacuum (freeze, verbose)'
  from latest
  where latest.multixact_age > 2 * current_setting('autovacuum_multixact_freeze_max_age')::bigint
  union all
  select 'warning', 'lock_pile_up', null,
         format('In the last 15 minutes up to %s sessions waited for a lock at once, the longest %s s.', blocking.waiting, round(blocking.wait_s, 1)),
         'select * from wedding_dbopt.get_lock_waits(''15 minutes'')'
  from blocking where blocking.wait_s > 5
$$;
comment on function _wedding_dbopt.health_limits(timestamptz) is
  'Findings of health() on what runs out or piles up: sequences, multixacts, replication slots and standbys, prepared transactions, old snapshots, locks.';
