create or replace function _wedding_dbopt.check_replication(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with slot as (
    select slot.slot_name::text as name, slot.active, slot.wal_status, slot.restart_lsn,
           pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, slot.restart_lsn) as retained,
           greatest(age(slot.xmin), age(slot.catalog_xmin)) as xmin_age
    from pg_replication_slots as slot where not slot.temporary
  ), disk as (
    select coalesce(
      (select other.free from _wedding_dbopt.disks_beside(check_replication.at) as other where other.name ~ '^WAL'),
      (select sample.disk_free from _wedding_dbopt.system_sample as sample
       where sample.at <= check_replication.at and sample.at > check_replication.at - interval '1 hour' and sample.disk_free is not null
       order by sample.at desc limit 1)) as disk_free
  ), standby as (
    select coalesce(nullif(application_name, ''), pid::text) as name, sync_state, extract(epoch from replay_lag) as lag_s,
           pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, replay_lsn) as lag_bytes
    from pg_stat_replication where state in ('streaming', 'catchup')
  )
  select 'replication_slot',
         case when slot.wal_status = 'lost' or slot.retained >= 0.5 * (select disk_free from disk) then 'critical'
              when slot.retained >= 1073741824 or slot.xmin_age > 10000000 then 'warning' else 'info' end,
         slot.name, null::oid, null::integer[], null::text,
         case when slot.wal_status = 'lost' then format('The replication slot %s has lost WAL that it needed: its subscriber or standby must be set up again.', slot.name)
              else format('Nobody reads the replication slot %s; for it the server keeps %s of WAL%s.', slot.name, coalesce(pg_size_pretty(slot.retained), 'no'),
                case when slot.xmin_age > 0 then format(' and dead rows of the last %s transactions', slot.xmin_age) else '' end) end,
         jsonb_build_object('retained_bytes', slot.retained, 'wal_status', slot.wal_status, 'xmin_age', slot.xmin_age),
         format('select pg_drop_replication_slot(%L)', slot.name)
  from slot
  where not slot.active and (slot.wal_status = 'lost' or slot.retained >= 16777216)
  union all
  select 'unbounded_slot_wal', 'warning', 'max_slot_wal_keep_size', null, null, null,
         format('%s replication slots may keep WAL without limit: a reader that stays away fills the disk, and then nothing can be booked.', count(*)),
         jsonb_build_object('slots', count(*), 'retained_bytes', max(slot.retained)),
         format(E'alter system set max_slot_wal_keep_size = ''%sMB'';\nselect pg_reload_conf()',
                greatest(1024, coalesce((select disk_free from disk) / 2 / 1048576, 10240)::bigint))
  from slot
  where (select setting from pg_settings where name = 'max_slot_wal_keep_size') = '-1'
  having count(*) > 0
  union all
  select 'standby_lag', case when standby.lag_s >= 300 then 'critical' else 'warning' end, standby.name, null, null, null,
         format('The standby %s is %s s and %s behind: readers there see old bookings, and a failover loses them. Look at its disk, its network and long queries on it.',
                standby.name, coalesce(round(standby.lag_s)::text, 'an unknown number of'), pg_size_pretty(standby.lag_bytes)),
         jsonb_build_object('lag_s', standby.lag_s, 'lag_bytes', standby.lag_bytes), null
  from standby where standby.lag_s >= 30 or standby.lag_bytes >= 1073741824
  union all
  select 'replica', 'warning', replica.name, null, null, null,
         format('The use of indexes on the replica %s is not known since %s: %s. No index is called unused meanwhile.', replica.name,
                coalesce(replica.fetched_at::text, 'it was added'), coalesce(replica.reason, 'collect_hour() has not run')),
         jsonb_build_object('fetched_at', replica.fetched_at, 'reason', replica.reason), 'select * from wedding_dbopt.get_replicas()'
  from _wedding_dbopt.replica
  where coalesce(replica.fetched_at, replica.added_at) < check_replication.at - interval '1 day' or replica.reason is not null
  union all
  select 'synchronous_standby_missing', 'critical', 'synchronous_standby_names', null, null, null,
         format('Commits wait for a standby named %s, and none is connected: each write hangs until it comes back. The remedy gives up its safety.', names.setting),
         jsonb_build_object('synchronous_standby_names', names.setting),
         E'alter system set synchronous_standby_names = '''';\nselect pg_reload_conf()'
  from pg_settings as names
  where names.name = 'synchronous_standby_names' and names.setting <> ''
    and not exists (select from standby where standby.sync_state in ('sync', 'quorum'))
  union all
  select 'archiver_failing', 'critical', 'archive_command', null, null, null,
         format('Archiving fails since %s (%s, %s failures): WAL piles up, and a restore ends at %s. Look into the server''s log for the reason.',
                to_char(archiver.last_failed_time, 'YYYY-MM-DD HH24:MI TZ'), archiver.last_failed_wal, archiver.failed_count,
                coalesce(archiver.last_archived_wal, 'nothing')),
         jsonb_build_object('failed_count', archiver.failed_count, 'last_failed_wal', archiver.last_failed_wal), null
  from pg_stat_archiver as archiver
  where current_setting('archive_mode') <> 'off' and archiver.last_failed_time > coalesce(archiver.last_archived_time, '-infinity');
end $$;
comment on function _wedding_dbopt.check_replication(timestamptz) is
  'Findings: slots that keep WAL, standbys behind or missing, archiving that fails.';
