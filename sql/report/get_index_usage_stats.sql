create or replace function wedding_dbopt.get_index_usage_stats(
  time_window interval default '24 hours', at timestamptz default now())
returns table(schemaname name, tablename name, indexrelname name, index_size bigint,
              idx_scan bigint, idx_tup_read bigint, idx_tup_fetch bigint,
              index_scans_window bigint, tuples_read_window bigint, tuples_fetched_window bigint, writes_window bigint,
              cache_hit_ratio numeric, efficiency_ratio numeric,
              is_primary boolean, is_unique boolean, is_constraint boolean, is_valid boolean, is_redundant boolean,
              wedding_relevance text, optimization_priority numeric, definition text,
              replica_scans_window bigint, replica_scans bigint, last_replica_scan timestamptz)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  since constant timestamptz := _wedding_dbopt.window_start(get_index_usage_stats.at, get_index_usage_stats.time_window);
begin
  perform _wedding_dbopt.require(get_index_usage_stats.time_window > interval '0', 'time_window must be positive', 'For example ''24 hours''.');
  return query
  with used as (
    select delta.relid, coalesce(sum(delta.idx_scan), 0)::bigint as scans, sum(delta.idx_tup_read)::bigint as tuples_read,
           sum(delta.idx_tup_fetch)::bigint as fetched, coalesce(sum(delta.blks_hit), 0) as hit, coalesce(sum(delta.blks_read), 0) as read
    from _wedding_dbopt.index_delta(since, get_index_usage_stats.at) as delta
    group by delta.relid
  ), written as (
    select delta.relid, (coalesce(sum(delta.inserted), 0) + coalesce(sum(delta.updated), 0) - coalesce(sum(delta.hot_updated), 0))::bigint as entries
    from (  -- not table_delta(), which unpacks four times as many columns
      select unnest(sample.relids) as relid, unnest(sample.inserted) as inserted, unnest(sample.updated) as updated, unnest(sample.hot_updated) as hot_updated
      from _wedding_dbopt.table_sample as sample where sample.at > since and sample.at <= get_index_usage_stats.at) as delta
    group by delta.relid
  ), replicated as (
    select entry.relid, sum(entry.scans)::bigint as scans
    from _wedding_dbopt.replica_sample as sample
    join _wedding_dbopt.replica on replica.name = sample.replica
    cross join lateral unnest(sample.relids, sample.scans) as entry(relid, scans)
    where sample.at > since and sample.at <= get_index_usage_stats.at
    group by entry.relid
  ), replicas as (
    select exists (select from _wedding_dbopt.replica where replica.fetched_at is not null) as known
  ), there as (
    select used.relid, sum(used.scans)::bigint as scans, max(used.used_at) as used_at
    from _wedding_dbopt.replica_use as used
    group by used.relid
  ), history as (
    select exists (select from used) or exists (select from written) as known
  ), relevance as (
    -- Statements that did not run count too. One list, because a join could be planned as a loop of thousands by thousands.
    select distinct on (touched.name) touched.name, touched.context
    from (select unnest(statement.tables) as name, statement.context, 1 as statements, 0::float8 as exec_ms
          from _wedding_dbopt.statement
          where not statement.own and statement.context is not null
            and statement.dbid = (select oid from pg_database where datname = current_database())
          union all
          select unnest(workload.tables), workload.context, 0, workload.exec_ms
          from _wedding_dbopt.workload_time(since, get_index_usage_stats.at) as workload) as touched
    group by touched.name, touched.context
    order by touched.name, sum(touched.exec_ms) desc, sum(touched.statements) desc
  ), described as (
    select stats.*, pg_index.indisprimary, pg_index.indisunique, pg_index.indisvalid,
           exists (select from pg_constraint where conindid = stats.indexrelid) as constrained,
           redundant.covered_by is not null as redundant,
           pg_relation_size(stats.indexrelid) as size,
           used.scans, used.tuples_read, used.fetched, used.hit, used.read, written.entries, history.known,
           replicas.known as replicas_known, replicated.scans as replicated_scans, there.scans as there_scans, there.used_at,
           case when coalesce(used.scans, 0) + coalesce(replicated.scans, 0) > 0
                then (coalesce(used.scans, 0) + coalesce(replicated.scans, 0))::numeric
                     / (coalesce(used.scans, 0) + coalesce(replicated.scans, 0) + coalesce(written.entries, 0))
                when history.known then 0 end as efficiency
    from pg_stat_user_indexes as stats
    join pg_index on pg_index.indexrelid = stats.indexrelid
    cross join history
    cross join replicas
    left join replicated on replicated.relid = stats.indexrelid
    left join there on there.relid = stats.indexrelid
    left join used on used.relid = stats.indexrelid
    left join written on written.relid = stats.relid
    left join _wedding_dbopt.redundant_indexes() as redundant on redundant.indexrelid = stats.indexrelid
    where stats.schemaname not in ('wedding_dbopt', '_wedding_dbopt')
  )
  select described.schemaname, described.relname, described.indexrelname, described.size,
         described.idx_scan, described.idx_tup_read, described.idx_tup_fetch,
         case when described.known then coalesce(described.scans, 0) end,
         case when described.known then coalesce(described.tuples_read, 0) end,
         case when described.known then coalesce(described.fetched, 0) end,
         case when described.known then coalesce(described.entries, 0) end,
         round(described.hit / nullif(described.hit + described.read, 0), 6),
         round(described.efficiency, 6),
         described.indisprimary, described.indisunique, described.constrained, described.indisvalid, described.redundant,
         relevance.context,
         case when not described.indisvalid then 100.0
              when described.redundant then 90.0
              when described.indisunique or described.constrained then 0.0
              else round(80 * (1 - described.efficiency) * described.size / (described.size + 1048576.0), 1) end as priority,
         pg_get_indexdef(described.indexrelid),
         case when described.replicas_known then coalesce(described.replicated_scans, 0) end,
         case when described.replicas_known then coalesce(described.there_scans, 0) end, described.used_at
  from described
  left join relevance on relevance.name = format('%I.%I', described.schemaname, described.relname)
  order by priority desc nulls last, described.size desc, described.indexrelid;
end $$;
comment on function wedding_dbopt.get_index_usage_stats(interval, timestamptz) is
  'Every user index. idx_* are the server''s counters since its last reset, *_window those of the window (null without history). efficiency_ratio = scans, those on replicas included, / (scans + entries that writes had to add) in the window: 0 for an unused index, null without history. replica_* are scans on the replicas that add_replica() named, fetched each hour (null without any). wedding_relevance = the context that spends most time on the table. optimization_priority, highest first: 100 invalid, 90 redundant (another index holds all it holds, in the same order), 0 unique or of a constraint, else 80 x (1 - efficiency_ratio) x size / (size + 1 MB).';
