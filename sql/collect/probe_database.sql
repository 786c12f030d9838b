create or replace function _wedding_dbopt.probe_database(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  growth numeric[];
begin
  if not current_setting('track_counts')::boolean then
    raise exception using errcode = 'object_not_in_prerequisite_state', message = 'track_counts is off: the counters of the database stand still';
  end if;
  perform pg_stat_clear_snapshot();
  select _wedding_dbopt.interval_difference('database', d.stats_reset,
           array[d.blks_hit, d.blks_read, d.xact_commit, d.xact_rollback, d.deadlocks, d.temp_bytes, d.temp_files])
  into growth
  from pg_stat_database d where d.datname = current_database();
  return jsonb_build_object(
    'blks_hit', growth[1], 'blks_read', growth[2], 'xact_commit', growth[3], 'xact_rollback', growth[4],
    'deadlocks', growth[5], 'temp_bytes', growth[6], 'temp_files', growth[7]);
end $$;
comment on function _wedding_dbopt.probe_database(timestamptz) is
  'Growth of the counters of this database since the last pass.';
