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
  select max(s.at) into previous from _wedding_dbopt.table_sample s;
  if sample_relations.at < previous + _wedding_dbopt.setting_value('relations_interval')::interval then
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
    select n.relid, n.is_table, n.counters, l.relid as old_relid, l.counters as old
    from now n full join _wedding_dbopt.relation_last l on l.relid = n.relid
    where n.relid is null or l.relid is null or n.counters <> l.counters or was_reset
  ), gone as (
    delete from _wedding_dbopt.relation_last l using changed d where l.relid = d.old_relid and d.relid is null
  ), met as (
    insert into _wedding_dbopt.relation_last (relid, counters)
    select d.relid, d.counters from changed d where d.old_relid is null
  ), kept as (
    update _wedding_dbopt.relation_last l set counters = d.counters from changed d where l.relid = d.relid
  ), delta as materialized (
    select d.relid, d.is_table, restart.found as restarted, array(
      select case when part.place > restart.levels_from or was_reset or part.old is null then part.now
                  when d.is_table and part.place in (3, 4) then greatest(part.now - part.old, 0)
                  when restart.found then part.now
                  else part.now - part.old end
      from unnest(d.counters, d.old) with ordinality as part(now, old, place) order by part.place) as counters
    from changed d
    cross join lateral (
      select case when d.is_table then 10 else 5 end as levels_from) as shape
    cross join lateral (
      select shape.levels_from, was_reset or exists (
        select from unnest(d.counters[:shape.levels_from], d.old[:shape.levels_from]) with ordinality as part(now, old, place)
        where part.now < part.old and not (d.is_table and part.place in (3, 4))) as found) as restart
    where d.relid is not null and not base_line
    order by d.relid
  ), tables as (
    insert into _wedding_dbopt.table_sample
      (at, previous_at, complete, relids, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, inserted, updated, deleted,
       hot_updated, heap_hit, heap_read, live, dead, pages)
    select sample_relations.at, previous, not (base_line or coalesce(bool_or(d.restarted), false)),
      coalesce(array_agg(d.relid), '{}'), array_agg(d.counters[1]), array_agg(d.counters[2]), array_agg(d.counters[3]),
      array_agg(d.counters[4]), array_agg(d.counters[5]), array_agg(d.counters[6]), array_agg(d.counters[7]),
      array_agg(d.counters[8]), array_agg(d.counters[9]), array_agg(d.counters[10]), array_agg(d.counters[11]),
      array_agg(d.counters[12]), array_agg(d.counters[13]::integer)
    from delta d where d.is_table
  )
  insert into _wedding_dbopt.index_sample
    (at, previous_at, complete, relids, idx_scan, idx_tup_read, idx_tup_fetch, blks_hit, blks_read, pages)
  select sample_relations.at, previous, not (base_line or coalesce(bool_or(d.restarted), false)),
    coalesce(array_agg(d.relid), '{}'), array_agg(d.counters[1]), array_agg(d.counters[2]), array_agg(d.counters[3]),
    array_agg(d.counters[4]), array_agg(d.counters[5]), array_agg(d.counters[6]::integer)
  from delta d where not d.is_table;
end $$;
comment on function _wedding_dbopt.sample_relations(timestamptz) is
  'Stores the interval differences of the tables'' and indexes'' counters since the last pass, for those that changed.';
