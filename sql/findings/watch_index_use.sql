-- A busy index is noted once a day, not each hour: weeks without a scan are what counts, and each note is WAL.
-- A counter that rose is a use. One that fell was reset, and shows a use only by what it counted since.
create or replace function _wedding_dbopt.watch_index_use(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  -- What needs no note is left out before the insert, because a conflict locks the row, and a lock is WAL too.
  insert into _wedding_dbopt.index_use as known (name, scans, unused_since)
  select now.name, now.scans, watch_index_use.at
  from (select format('%I.%I', held.schema_name, index.relname) as name, pg_stat_get_numscans(index.oid) as scans
        from pg_index
        join pg_class as index on index.oid = pg_index.indexrelid
        join _wedding_dbopt.user_schemas() as held on held.schema_id = index.relnamespace
        where index.relkind = 'i') as now
  left join _wedding_dbopt.index_use as noted on noted.name = now.name
  where noted.name is null or now.scans < noted.scans
     or now.scans > noted.scans and noted.unused_since <= watch_index_use.at - interval '20 hours'
  on conflict (name) do update set scans = excluded.scans,
    unused_since = case when excluded.scans > known.scans or (excluded.scans < known.scans and excluded.scans > 0)
                        then excluded.unused_since else known.unused_since end;
  if not current_setting('track_counts')::boolean then  -- nobody knows whether it is used
    update _wedding_dbopt.index_use as known set unused_since = watch_index_use.at
    where known.unused_since <= watch_index_use.at - interval '20 hours';
  end if;
  delete from _wedding_dbopt.index_use as known
  where not exists (select from pg_class as index join pg_namespace on pg_namespace.oid = index.relnamespace
                    where index.relkind = 'i' and format('%I.%I', pg_namespace.nspname, index.relname) = known.name);
end $$;
comment on function _wedding_dbopt.watch_index_use(timestamptz) is
  'Step of maintain(): notes for each index since when no scan of it was seen.';
