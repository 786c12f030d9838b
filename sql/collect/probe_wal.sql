create or replace function _wedding_dbopt.probe_wal(at timestamptz) returns jsonb
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  select jsonb_build_object('wal_bytes',
           (_wedding_dbopt.interval_difference('wal', w.stats_reset, array[w.wal_bytes]))[1])
  from pg_stat_wal w
$$;
comment on function _wedding_dbopt.probe_wal(timestamptz) is 'Bytes of WAL that the server wrote since the last pass.';
