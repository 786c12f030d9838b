create or replace function _wedding_dbopt.probe_checkpoints(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  counters numeric[];
  reset_at timestamptz;
  growth   numeric[];
begin
  if to_regclass('pg_catalog.pg_stat_checkpointer') is not null then
    execute 'select array[num_requested, num_timed, write_time, sync_time, buffers_written], stats_reset from pg_stat_checkpointer'
    into counters, reset_at;
  else
    execute 'select array[checkpoints_req, checkpoints_timed, checkpoint_write_time, checkpoint_sync_time, buffers_checkpoint,
                          buffers_backend], stats_reset from pg_stat_bgwriter' into counters, reset_at;
  end if;
  growth := _wedding_dbopt.interval_difference('checkpoints', reset_at, counters);
  return jsonb_build_object('checkpoints_requested', growth[1], 'checkpoints_timed', growth[2], 'checkpoint_write_ms', growth[3],
    'checkpoint_sync_ms', growth[4], 'checkpoint_buffers', growth[5], 'backend_buffers', growth[6]);
end $$;
comment on function _wedding_dbopt.probe_checkpoints(timestamptz) is
  'Checkpoints since the last pass, those that were requested apart (max_wal_size is short when there are many), and what they wrote; buffers written by sessions themselves are known up to PostgreSQL 16, then they are in io.';
