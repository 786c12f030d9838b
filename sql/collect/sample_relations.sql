-- The counters come from the functions behind pg_stat_user_tables and the sizes from pg_class: neither locks a relation.
-- A table's idx_scan and idx_tup_fetch (places 3 and 4) are sums over its indexes. They fall when an index is dropped, so
-- they say nothing about a restart, and such a fall counts as no scan.
create or replace function _wedding_dbopt.sample_relations(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_nestloop = off as $$
declare
  previous  timestamptz;
  stats_reset timestamptz;
  was_reset boolean;
  base_line boolean;
begin
  select max(s.at) into previous from _wedding_dbopt.table_sample s where s.at < sample_relations.at;  -- a clock may have been ahead
  if sample_relations.at < previous + _wedding_dbopt.setting_value('relations_interval')::interval then
    return;
  end if;
  if not current_setting('track_counts')::boolean then  -- where counting goes on later, that is a base line
    delete from _wedding_dbopt.system_last l where l.source = 'relations';
    insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
    values (sample_relations.at, 'relations: tracking', '55000', 'track_counts is off: the use of tables and indexes is not counted');
    return;
  end if;
  perform pg_stat_clear_snapshot();
  select pg_stat_get_db_stat_reset_time(d.oid) into stats_reset from pg_database d where d.datname = current_database();
  select l.reset_at is distinct from stats_reset into was_reset
  from _wedding_dbopt.system_last l where l.source = 'relations';
  base_line := was_reset is null or previous is null;  -- the first pass, or the old counters were lost in a crash
  if base_line then
    delete from _wedding_dbopt.relation_last;
  end if;
  insert into _wedding_dbopt.system_last as l (source, reset_at, counters) values ('relations', stats_reset, '{}')
  on conflict (source) do update set reset_at = excluded.reset_at where l.reset_at is distinct from excluded.reset_at;

  with relation as (
    select c.oid, c.relkind, c.relpages
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm', 'i') and c.relpersistence <> 't'
      and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'wedding_dbopt', '_wedding_dbopt')
  ), index_now as materialized (
    select c.oid, i.indrelid, pg_stat_get_numscans(c.oid) as scans, pg_stat_get_tuples_fetched(c.oid) as fetched,
      pg_stat_get_tuples_returned(c.oid) as returned, pg_stat_get_blocks_hit(c.oid) as blocks_hit,
      pg_stat_get_blocks_fetched(c.oid) as blocks_fetched, c.relpages
    from relation c join pg_index i on i.indexrelid = c.oid
    where c.relkind = 'i'
  ), index_sum as (
    select i.indrelid, sum(i.scans)::bigint as scans, sum(i.fetched)::bigint as fetched from index_now i group by i.indrelid
  ), now as (
    select c.oid as relid, true as is_table, array[
        pg_stat_get_numscans(c.oid), pg_stat_get_tuples_returned(c.oid),
        coalesce(i.scans, 0), coalesce(i.fetched, 0) + pg_stat_get_tuples_fetched(c.oid),
        pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),
        pg_stat_get_tuples_hot_updated(c.oid), pg_stat_get_blocks_hit(c.oid),
        pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid),
        pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid), c.relpages] as counters
    from relation c left join index_sum i on i.indrelid = c.oid
    where c.relkind <> 'i'
    union all
    select i.oid, false, array[i.scans, i.returned, i.fetched, i.blocks_hit, i.blocks_fetched - i.blocks_hit, i.relpages]
    from index_now i
  ), changed as materialized (
    select n.relid, n.is_table, n.counters, l.ctid as old_place, l.counters as old
    from now n full join _wedding_dbopt.relation_last l on l.relid = n.relid
    where n.relid is null or l.relid is null or n.counters <> l.counters or was_reset
  ), gone as (
    delete from _wedding_dbopt.relation_last l using changed d where l.ctid = d.old_place and d.relid is null
  ), met as (
    insert into _wedding_dbopt.relation_last (relid, counters)
    select d.relid, d.counters from changed d where d.old_place is null
  ), kept as (
    update _wedding_dbopt.relation_last l set counters = d.counters from changed d
    where l.ctid = d.old_place and d.relid is not null
  ), pair as (
    select d.relid, d.is_table, d.counters as c, d.old, was_reset
        or d.counters[1] < d.old[1] or d.counters[2] < d.old[2] or d.counters[5] < d.old[5]
        or not d.is_table and (d.counters[3] < d.old[3] or d.counters[4] < d.old[4])
        or d.is_table and (d.counters[6] < d.old[6] or d.counters[7] < d.old[7] or d.counters[8] < d.old[8]
          or d.counters[9] < d.old[9] or d.counters[10] < d.old[10]) as restarted
    from changed d
    where d.relid is not null and not base_line
  ), delta as materialized (
    select p.relid, p.is_table, p.c, coalesce(p.restarted, false) as restarted,
      case when p.old is null or p.restarted then array_fill(0::bigint, array[10]) else p.old end as o,
      case when p.old is null or was_reset then array[0, 0, 0, 0]::bigint[] else p.old[:4] end as o_indexes
    from pair p
    order by p.relid
  ), tables as (
    insert into _wedding_dbopt.table_sample
      (at, previous_at, complete, relids, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, inserted, updated, deleted,
       hot_updated, heap_hit, heap_read, live, dead, pages)
    select sample_relations.at, previous, not (base_line or coalesce(bool_or(d.restarted), false)),
      coalesce(array_agg(d.relid), '{}'), array_agg(d.c[1] - d.o[1]), array_agg(d.c[2] - d.o[2]),
      array_agg(greatest(d.c[3] - d.o_indexes[3], 0)), array_agg(greatest(d.c[4] - d.o_indexes[4], 0)),
      array_agg(d.c[5] - d.o[5]), array_agg(d.c[6] - d.o[6]), array_agg(d.c[7] - d.o[7]), array_agg(d.c[8] - d.o[8]),
      array_agg(d.c[9] - d.o[9]), array_agg(d.c[10] - d.o[10]), array_agg(d.c[11]), array_agg(d.c[12]), array_agg(d.c[13]::integer)
    from delta d where d.is_table
  )
  insert into _wedding_dbopt.index_sample
    (at, previous_at, complete, relids, idx_scan, idx_tup_read, idx_tup_fetch, blks_hit, blks_read, pages)
  select sample_relations.at, previous, not (base_line or coalesce(bool_or(d.restarted), false)),
    coalesce(array_agg(d.relid), '{}'), array_agg(d.c[1] - d.o[1]), array_agg(d.c[2] - d.o[2]), array_agg(d.c[3] - d.o[3]),
    array_agg(d.c[4] - d.o[4]), array_agg(d.c[5] - d.o[5]), array_agg(d.c[6]::integer)
  from delta d where not d.is_table;
end $$;
comment on function _wedding_dbopt.sample_relations(timestamptz) is
  'Stores the interval differences of the tables'' and indexes'' counters since the last pass, for those that changed.';
