create or replace function _wedding_dbopt.probe_replication(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return jsonb_build_object(
    'slots', (
      select coalesce(jsonb_agg(jsonb_build_object('name', s.slot_name, 'type', s.slot_type, 'active', s.active,
               'retained_bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 'wal_status', s.wal_status,
               'invalid', coalesce(to_jsonb(s) ->> 'invalidation_reason', to_jsonb(s) ->> 'conflicting'))
               order by s.slot_name), '[]')
      from pg_replication_slots s),
    'standbys', (
      select coalesce(jsonb_agg(jsonb_build_object('name', r.application_name, 'state', r.state, 'sync_state', r.sync_state,
               'lag_bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn),
               'lag_s', round(extract(epoch from r.replay_lag), 3))
               order by r.application_name, r.pid), '[]')
      from pg_stat_replication r));
end $$;
comment on function _wedding_dbopt.probe_replication(timestamptz) is
  'Replication slots with the WAL that they keep, and connected standbys with their lag in bytes and seconds (null while nothing is written).';
