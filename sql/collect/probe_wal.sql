create or replace function _wedding_dbopt.probe_wal(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  growth numeric[];
begin
  select _wedding_dbopt.interval_difference('wal', w.stats_reset, array[w.wal_bytes, w.wal_records, w.wal_fpi, w.wal_buffers_full])
  into growth
  from pg_stat_wal w;
  return jsonb_build_object('wal_bytes', growth[1], 'wal_records', growth[2], 'wal_full_pages', growth[3],
    'wal_buffers_full', growth[4]);
end $$;
comment on function _wedding_dbopt.probe_wal(timestamptz) is 'WAL that the server wrote since the last pass: bytes, records, images of whole pages, and how often its buffers were full.';
