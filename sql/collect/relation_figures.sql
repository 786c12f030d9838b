create or replace function _wedding_dbopt.relation_figures(since timestamptz, until timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with table_use as (
    select delta.relid, sum(delta.seq_scan) as seq_scan, sum(delta.seq_tup_read) as seq_tup_read, sum(delta.idx_scan) as idx_scan,
           sum(delta.inserted) as inserted, sum(delta.updated) as updated, sum(delta.deleted) as deleted
    from (  -- not table_delta(), which unpacks twice as many columns
      select unnest(s.relids) as relid, unnest(s.seq_scan) as seq_scan, unnest(s.seq_tup_read) as seq_tup_read, unnest(s.idx_scan) as idx_scan,
             unnest(s.inserted) as inserted, unnest(s.updated) as updated, unnest(s.deleted) as deleted
      from _wedding_dbopt.table_sample as s where s.at > relation_figures.since and s.at <= relation_figures.until) as delta
    group by delta.relid
  ), index_use as (
    select delta.relid, sum(delta.idx_scan) as scans, sum(delta.idx_tup_read) as tuples_read
    from (
      select unnest(s.relids) as relid, unnest(s.idx_scan) as idx_scan, unnest(s.idx_tup_read) as idx_tup_read
      from _wedding_dbopt.index_sample as s where s.at > relation_figures.since and s.at <= relation_figures.until) as delta
    group by delta.relid
  ), relation as (
    select c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) as name, c.reltuples, c.relpages::bigint * current_setting('block_size')::bigint as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'i') and c.relpersistence <> 't' and n.nspname not like 'pg\_%'
      and n.nspname not in ('information_schema', 'wedding_dbopt', '_wedding_dbopt')
  )
  select jsonb_build_object(
    'tables', coalesce(jsonb_object_agg(relation.name, jsonb_build_array(
                relation.bytes, greatest(relation.reltuples, 0)::bigint, coalesce(used.seq_scan, 0), coalesce(used.seq_tup_read, 0), coalesce(used.idx_scan, 0),
                coalesce(used.inserted, 0), coalesce(used.updated, 0), coalesce(used.deleted, 0))) filter (where relation.relkind <> 'i'), '{}'),
    'indexes', coalesce(jsonb_object_agg(relation.name, jsonb_build_array(
                 relation.bytes, coalesce(scanned.scans, 0), coalesce(scanned.tuples_read, 0))) filter (where relation.relkind = 'i'), '{}'))
  from relation
  left join table_use as used on used.relid = relation.oid
  left join index_use as scanned on scanned.relid = relation.oid
$$;
comment on function _wedding_dbopt.relation_figures(timestamptz, timestamptz) is
  'Sizes now, as the last VACUUM or ANALYZE counted them, and use in a window. tables: bytes, rows, sequential scans, rows they read, index scans, inserts, updates, deletes. indexes: bytes, scans, entries read.';
