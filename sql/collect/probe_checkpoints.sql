create or replace function _wedding_dbopt.probe_checkpoints(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  requested numeric;
  reset_at  timestamptz;
begin
  if to_regclass('pg_catalog.pg_stat_checkpointer') is not null then
    execute 'select num_requested, stats_reset from pg_stat_checkpointer' into requested, reset_at;
  else
    execute 'select checkpoints_req, stats_reset from pg_stat_bgwriter' into requested, reset_at;
  end if;
  return jsonb_build_object('checkpoints_requested',
    (_wedding_dbopt.interval_difference('checkpoints', reset_at, array[requested]))[1]);
end $$;
comment on function _wedding_dbopt.probe_checkpoints(timestamptz) is
  'Checkpoints since the last pass that were requested, that is not by the clock: max_wal_size is short when there are many.';
