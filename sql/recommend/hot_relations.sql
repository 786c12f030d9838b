-- Blocks asked for are those of the window, so after a restart it may lie before it.
create or replace function _wedding_dbopt.hot_relations(since timestamptz, until timestamptz)
returns table (relid oid, name text, schema_name text, relation text, kind text, bytes bigint, blocks_per_hour float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with used as materialized (
    select d.relid, sum(d.heap_hit + d.heap_read) as blocks from _wedding_dbopt.table_delta(hot_relations.since, hot_relations.until) d group by d.relid
    union all
    select d.relid, sum(d.blks_hit + d.blks_read) from _wedding_dbopt.index_delta(hot_relations.since, hot_relations.until) d group by d.relid
  ), span as (
    select greatest(extract(epoch from max(s.at) - min(coalesce(s.previous_at, s.at)))::float8 / 3600, 1.0 / 60) as hours
    from _wedding_dbopt.table_sample s where s.at > hot_relations.since and s.at <= hot_relations.until
  )
  select c.oid, format('%I.%I', n.schema_name, c.relname), n.schema_name::text, c.relname::text, case when c.relkind = 'i' then 'index' else 'table' end,
         greatest(c.relpages, 1)::bigint * current_setting('block_size')::bigint, used.blocks::float8 / span.hours
  from used cross join span
  join pg_class c on c.oid = used.relid and c.relkind in ('r', 'm', 'i') and c.relpersistence <> 't'
  join _wedding_dbopt.user_schemas() n on n.schema_id = c.relnamespace
  where used.blocks > 0
  order by used.blocks desc limit 200
$$;
comment on function _wedding_dbopt.hot_relations(timestamptz, timestamptz) is
  'The tables and indexes whose blocks were asked for most in a window, in memory or not, with their size as the last VACUUM or ANALYZE counted it.';
