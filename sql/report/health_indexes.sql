create or replace function _wedding_dbopt.health_indexes(at timestamptz)
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with described as (
    select stats.indexrelid, format('%I.%I', stats.schemaname, stats.indexrelname) as name, stats.relid::regclass as on_table,
           pg_relation_size(stats.indexrelid) as size, stats.idx_scan, pg_index.indisvalid, pg_index.indisunique,
           redundant.covered_by::regclass as covered_by,
           exists (select from pg_stat_progress_create_index as build where build.index_relid = stats.indexrelid) as in_progress
    from pg_stat_user_indexes as stats
    join pg_index on pg_index.indexrelid = stats.indexrelid
    left join _wedding_dbopt.redundant_indexes() as redundant on redundant.indexrelid = stats.indexrelid
    where stats.schemaname not in ('wedding_dbopt', '_wedding_dbopt')
  ), history as (
    select health_indexes.at - min(sample.at) as length
    from _wedding_dbopt.index_sample as sample where sample.at <= health_indexes.at
  ), observed as (
    -- The server's counter is older than our history only if it was not reset since.
    select greatest(history.length, health_indexes.at - stats.stats_reset) as length
    from history, pg_stat_database as stats where stats.datname = current_database()
  )
  select 'warning', 'invalid_index', described.name,
         format('The index on %s is invalid: it costs writes and %s, and serves no query.', described.on_table, pg_size_pretty(described.size)),
         format('drop index concurrently %s', described.name)
  from described where not described.indisvalid and not described.in_progress
  union all
  select 'warning', 'redundant_index', described.name,
         format('The index on %s equals %s: %s and a write per row for nothing.', described.on_table, described.covered_by,
                pg_size_pretty(described.size)),
         format('drop index concurrently %s', described.name)
  from described where described.covered_by is not null
  union all
  select 'warning', 'replica', replica.name,
         format('The use of indexes on this replica is not known since %s: %s. No index is called unused meanwhile.',
                coalesce(replica.fetched_at::text, 'it was added'), coalesce(replica.reason, 'collect_hour() has not run')),
         'select * from wedding_dbopt.get_replicas()'
  from _wedding_dbopt.replica
  where coalesce(replica.fetched_at, replica.added_at) < health_indexes.at - interval '1 day' or replica.reason is not null
  union all
  select 'info', 'unused_index', described.name,
         format('No scan of this index on %s (%s) in %s days. It may serve another season, or a standby that add_replica() does not know: look before you drop it.',
                described.on_table, pg_size_pretty(described.size), extract(day from observed.length)),
         format('drop index concurrently %s', described.name)
  from described, observed
  where described.idx_scan = 0 and described.indisvalid and not described.indisunique and described.covered_by is null
    and not exists (select from pg_constraint where conindid = described.indexrelid)
    and not exists (select from _wedding_dbopt.replica_use as used where used.relid = described.indexrelid and used.scans > 0)
    and not exists (select from _wedding_dbopt.replica where replica.fetched_at is null or replica.fetched_at < health_indexes.at - interval '1 day')
    and described.size >= 10 * 1048576 and observed.length >= interval '14 days'
$$;
comment on function _wedding_dbopt.health_indexes(timestamptz) is
  'Findings of health() on indexes: invalid, redundant, big ones unused for two weeks or more here and on the replicas (information only), and replicas that cannot be read.';
