-- A busy index is noted once a day, not each hour: weeks without a scan are what counts, and each note is WAL.
-- A counter that rose is a use. One that fell was reset, and shows a use only by what it counted since.
create or replace function _wedding_dbopt.watch_index_use(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  insert into _wedding_dbopt.index_use as known (name, scans, unused_since)
  select format('%I.%I', held.schema_name, index.relname), pg_stat_get_numscans(index.oid), watch_index_use.at
  from pg_index
  join pg_class as index on index.oid = pg_index.indexrelid
  join _wedding_dbopt.user_schemas() as held on held.schema_id = index.relnamespace
  where index.relkind = 'i'
  on conflict (name) do update set scans = excluded.scans,
    unused_since = case when excluded.scans > known.scans or (excluded.scans < known.scans and excluded.scans > 0)
                        then excluded.unused_since else known.unused_since end
  where known.scans <> excluded.scans and (known.unused_since <= excluded.unused_since - interval '20 hours' or excluded.scans < known.scans);
  delete from _wedding_dbopt.index_use as known
  where not exists (select from pg_class as index join pg_namespace on pg_namespace.oid = index.relnamespace
                    where index.relkind = 'i' and format('%I.%I', pg_namespace.nspname, index.relname) = known.name);
end $$;
comment on function _wedding_dbopt.watch_index_use(timestamptz) is
  'Step of maintain(): notes for each index since when no scan of it was seen.';
