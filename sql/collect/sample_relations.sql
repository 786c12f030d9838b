-- The counters come from the functions behind pg_stat_user_tables and the sizes from pg_class: neither locks a relation.
-- A table's index scans are what its indexes' counters grew by: their sum would fall when an index is dropped.
-- The planner knows nothing of what these steps give, and may not compare each with each.
create or replace function _wedding_dbopt.sample_relations(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp
set enable_nestloop = off
set enable_mergejoin = off
set jit = off as $$
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
    delete from _wedding_dbopt.table_last;
    delete from _wedding_dbopt.index_last;
  end if;
  was_reset := coalesce(was_reset, false);
  insert into _wedding_dbopt.system_last as l (source, reset_at, counters) values ('relations', stats_reset, '{}')
  on conflict (source) do update set reset_at = excluded.reset_at where l.reset_at is distinct from excluded.reset_at;

  with relation as materialized (
    select c.oid, c.relkind, c.relpages
    from pg_class c
    where c.relkind in ('r', 'm', 'i') and c.relpersistence <> 't'
      and c.relnamespace <> all (array(
        select n.oid from pg_namespace n
        where n.nspname in ('pg_catalog', 'information_schema', 'pg_toast', 'wedding_dbopt', '_wedding_dbopt')))
  ), index_changed as materialized (
    select n.*, l.relid as old_relid, l.place,
      was_reset or n.scans < l.scans or n.returned < l.returned or n.fetched < l.fetched or n.hit < l.hit or n.read < l.read as restarted,
      l.scans as old_scans, l.returned as old_returned, l.fetched as old_fetched, l.hit as old_hit, l.read as old_read
    from (select c.oid as relid, i.indrelid as parent, pg_stat_get_numscans(c.oid) as scans,
            pg_stat_get_tuples_returned(c.oid) as returned, pg_stat_get_tuples_fetched(c.oid) as fetched,
            pg_stat_get_blocks_hit(c.oid) as hit, pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid) as read,
            c.relpages as pages
          from relation c join pg_index i on i.indexrelid = c.oid
          where c.relkind = 'i'
          offset 0) n  -- a fence: each counter is asked for once
    full join (select l.*, l.ctid as place from _wedding_dbopt.index_last l) l on l.relid = n.relid
    where n.scans is distinct from l.scans or n.returned <> l.returned or n.fetched <> l.fetched or n.hit <> l.hit
       or n.read <> l.read or n.pages <> l.pages or was_reset
  ), index_gone as (
    delete from _wedding_dbopt.index_last l using index_changed d where l.ctid = d.place and d.relid is null
  ), index_met as (
    insert into _wedding_dbopt.index_last (relid, scans, returned, fetched, hit, read, pages)
    select d.relid, d.scans, d.returned, d.fetched, d.hit, d.read, d.pages from index_changed d where d.old_relid is null
  ), index_kept as (
    update _wedding_dbopt.index_last l
    set scans = d.scans, returned = d.returned, fetched = d.fetched, hit = d.hit, read = d.read, pages = d.pages
    from index_changed d where l.ctid = d.place and d.relid is not null
  ), index_delta as materialized (
    select d.relid, d.parent, coalesce(d.restarted, false) as restarted, d.pages,
      d.scans - case when d.anew then 0 else d.old_scans end as scans,
      d.returned - case when d.anew then 0 else d.old_returned end as returned,
      d.fetched - case when d.anew then 0 else d.old_fetched end as fetched,
      d.hit - case when d.anew then 0 else d.old_hit end as hit,
      d.read - case when d.anew then 0 else d.old_read end as read
    from (select d.*, d.old_relid is null or d.restarted as anew from index_changed d where d.relid is not null) d
    order by d.relid
  ), index_sum as (
    select d.parent, sum(d.scans)::bigint as scans, sum(d.fetched)::bigint as fetched from index_delta d group by d.parent
  ), table_changed as materialized (
    select n.*, l.relid as old_relid, l.place, coalesce(i.scans, 0) as index_scans, coalesce(i.fetched, 0) as index_fetched,
      was_reset or n.seq_scan < l.seq_scan or n.seq_read < l.seq_read or n.inserted < l.inserted or n.updated < l.updated
        or n.deleted < l.deleted or n.hot_updated < l.hot_updated or n.hit < l.hit or n.read < l.read as restarted,
      l.seq_scan as old_seq_scan, l.seq_read as old_seq_read, l.fetched as old_fetched, l.inserted as old_inserted,
      l.updated as old_updated, l.deleted as old_deleted, l.hot_updated as old_hot_updated, l.hit as old_hit, l.read as old_read
    from (select c.oid as relid, pg_stat_get_numscans(c.oid) as seq_scan, pg_stat_get_tuples_returned(c.oid) as seq_read,
            pg_stat_get_tuples_fetched(c.oid) as fetched,  -- by bitmap scans
            pg_stat_get_tuples_inserted(c.oid) as inserted, pg_stat_get_tuples_updated(c.oid) as updated,
            pg_stat_get_tuples_deleted(c.oid) as deleted, pg_stat_get_tuples_hot_updated(c.oid) as hot_updated,
            pg_stat_get_blocks_hit(c.oid) as hit, pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid) as read,
            pg_stat_get_live_tuples(c.oid) as live, pg_stat_get_dead_tuples(c.oid) as dead, c.relpages as pages
          from relation c
          where c.relkind <> 'i'
          offset 0) n
    full join (select l.*, l.ctid as place from _wedding_dbopt.table_last l) l on l.relid = n.relid
    left join index_sum i on i.parent = n.relid
    where n.seq_scan is distinct from l.seq_scan or n.seq_read <> l.seq_read or n.fetched <> l.fetched or n.inserted <> l.inserted
       or n.updated <> l.updated or n.deleted <> l.deleted or n.hot_updated <> l.hot_updated or n.hit <> l.hit or n.read <> l.read
       or n.live <> l.live or n.dead <> l.dead or n.pages <> l.pages or i.scans > 0 or i.fetched > 0 or was_reset
  ), table_gone as (
    delete from _wedding_dbopt.table_last l using table_changed d where l.ctid = d.place and d.relid is null
  ), table_met as (
    insert into _wedding_dbopt.table_last
      (relid, seq_scan, seq_read, fetched, inserted, updated, deleted, hot_updated, hit, read, live, dead, pages)
    select d.relid, d.seq_scan, d.seq_read, d.fetched, d.inserted, d.updated, d.deleted, d.hot_updated, d.hit, d.read,
      d.live, d.dead, d.pages
    from table_changed d where d.old_relid is null
  ), table_kept as (
    update _wedding_dbopt.table_last l
    set seq_scan = d.seq_scan, seq_read = d.seq_read, fetched = d.fetched, inserted = d.inserted, updated = d.updated,
      deleted = d.deleted, hot_updated = d.hot_updated, hit = d.hit, read = d.read, live = d.live, dead = d.dead, pages = d.pages
    from table_changed d where l.ctid = d.place and d.relid is not null
  ), tables as (
    insert into _wedding_dbopt.table_sample
      (at, previous_at, complete, relids, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, inserted, updated, deleted,
       hot_updated, heap_hit, heap_read, live, dead, pages)
    select sample_relations.at, previous, not (base_line or coalesce(bool_or(d.restarted), false)),
      coalesce(array_agg(d.relid), '{}'),
      array_agg(d.seq_scan - case when d.anew then 0 else d.old_seq_scan end),
      array_agg(d.seq_read - case when d.anew then 0 else d.old_seq_read end),
      array_agg(d.index_scans),
      array_agg(d.index_fetched + greatest(d.fetched - case when d.anew then 0 else d.old_fetched end, 0)),
      array_agg(d.inserted - case when d.anew then 0 else d.old_inserted end),
      array_agg(d.updated - case when d.anew then 0 else d.old_updated end),
      array_agg(d.deleted - case when d.anew then 0 else d.old_deleted end),
      array_agg(d.hot_updated - case when d.anew then 0 else d.old_hot_updated end),
      array_agg(d.hit - case when d.anew then 0 else d.old_hit end),
      array_agg(d.read - case when d.anew then 0 else d.old_read end),
      array_agg(d.live), array_agg(d.dead), array_agg(d.pages)
    from (select d.*, d.old_relid is null or d.restarted as anew from table_changed d
          where d.relid is not null and not base_line order by d.relid) d
  )
  insert into _wedding_dbopt.index_sample
    (at, previous_at, complete, relids, idx_scan, idx_tup_read, idx_tup_fetch, blks_hit, blks_read, pages)
  select sample_relations.at, previous, not (base_line or coalesce(bool_or(d.restarted), false)),
    coalesce(array_agg(d.relid), '{}'), array_agg(d.scans), array_agg(d.returned), array_agg(d.fetched), array_agg(d.hit),
    array_agg(d.read), array_agg(d.pages)
  from index_delta d where not base_line;
end $$;
comment on function _wedding_dbopt.sample_relations(timestamptz) is
  'Stores the interval differences of the tables'' and indexes'' counters since the last pass, for those that changed.';
