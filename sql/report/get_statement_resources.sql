create or replace function wedding_dbopt.get_statement_resources(
  time_window interval default '1 hour', limit_count integer default 100, at timestamptz default now())
returns table(query_hash text, query text, wedding_context text, business_criticality text,
              cpu_ms numeric, disk_read_bytes bigint, disk_written_bytes bigint, rows_filtered bigint, wait_ms bigint, waits jsonb)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  since constant timestamptz := _wedding_dbopt.window_start(get_statement_resources.at, get_statement_resources.time_window);
  home  constant oid := (select oid from pg_database where datname = current_database());
begin
  perform _wedding_dbopt.require(get_statement_resources.time_window > interval '0', 'time_window must be positive', 'For example ''1 hour''.');
  perform _wedding_dbopt.require(get_statement_resources.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  return query
  with resource as (
    select statement.queryid, sum(entry.cpu_us) as cpu_us, sum(entry.read_bytes)::bigint as read_bytes, sum(entry.written_bytes)::bigint as written_bytes
    from _wedding_dbopt.resource_sample as sample
    cross join lateral unnest(sample.ids, sample.cpu_us, sample.read_bytes, sample.written_bytes) as entry(id, cpu_us, read_bytes, written_bytes)
    join _wedding_dbopt.statement on statement.id = entry.id and statement.dbid = home
    where sample.at > since and sample.at <= get_statement_resources.at
    group by statement.queryid
  ), wait as (
    select spent.queryid, sum(spent.ms)::bigint as ms, jsonb_object_agg(spent.wait, spent.ms order by spent.ms desc) as events
    from (select entry.queryid, entry.wait, sum(entry.count * sample.period_ms) as ms
          from _wedding_dbopt.wait_profile_sample as sample
          cross join lateral unnest(sample.queryids, sample.waits, sample.counts) as entry(queryid, wait, count)
          where sample.at > since and sample.at <= get_statement_resources.at and entry.queryid <> 0
          group by entry.queryid, entry.wait) as spent
    group by spent.queryid
  ), filter as (
    select entry.queryid, sum(entry.filtered)::bigint as rows
    from _wedding_dbopt.filter_sample as sample
    cross join lateral unnest(sample.queryids, sample.dbids, sample.filtered) as entry(queryid, dbid, filtered)
    where sample.at > since and sample.at <= get_statement_resources.at and entry.dbid = home
    group by entry.queryid
  ), known as (
    select distinct on (statement.queryid) statement.queryid, statement.id, statement.own, statement.context, statement.criticality
    from _wedding_dbopt.statement
    where statement.dbid = home
      and statement.queryid in (select queryid from resource union select queryid from wait union select queryid from filter)
    order by statement.queryid, statement.id
  )
  select known.queryid::text, _wedding_dbopt.statement_query(known.id), known.context, known.criticality, round(resource.cpu_us / 1000.0, 3),
         resource.read_bytes, resource.written_bytes, filter.rows, wait.ms, wait.events
  from known
  left join resource on resource.queryid = known.queryid
  left join wait on wait.queryid = known.queryid
  left join filter on filter.queryid = known.queryid
  where not known.own
  order by resource.cpu_us desc nulls last, wait.ms desc nulls last, known.queryid
  limit get_statement_resources.limit_count;
end $$;
comment on function wedding_dbopt.get_statement_resources(interval, integer, timestamptz) is
  'What statements took from the machine in the window, where these extensions are installed, else null: CPU time and real disk traffic (pg_stat_kcache), time waited in all and by event (pg_wait_sampling), rows read and thrown away by a filter (pg_qualstats, which samples; fetched each hour).';
