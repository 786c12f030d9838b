create or replace function _wedding_dbopt.store_baseline(
  name text, comment text, origin text, since timestamptz, until timestamptz, catalogue text default null, measured jsonb default null)
returns bigint
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  fingerprint constant text := coalesce(store_baseline.catalogue, _wedding_dbopt.store_catalogue(null));
  stored      bigint;
begin
  insert into _wedding_dbopt.baseline
    (name, comment, origin, created_by, created_at, since, until, complete, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written,
     wal_bytes, rate_error, mean_error, blocks_error, slices, rate_slices, contexts, relations, server, settings, catalogue)
  select store_baseline.name, store_baseline.comment, store_baseline.origin, _wedding_dbopt.actor(), clock_timestamp(), m.since, m.until, m.complete,
         m.ids, m.calls, m.exec_us, m.exec_sq, m.rows, m.hit, m.read, m.temp_written, m.wal_bytes, m.rate_error, m.mean_error, m.blocks_error,
         m.slices, m.rate_slices, m.contexts, m.relations, m.server, m.settings, fingerprint
  from _wedding_dbopt.measure_baseline(store_baseline.since, store_baseline.until, store_baseline.measured) as m
  returning id into stored;
  return stored;
end $$;
comment on function _wedding_dbopt.store_baseline(text, text, text, timestamptz, timestamptz, text, jsonb) is
  'Measures a window, stores it as a baseline, with the catalogue of that fingerprint or as it is now, and with these figures of relations, server and settings or new ones, and gives its id.';
