create or replace function wedding_dbopt.get_metrics(
  time_range text default '24h', season_mode boolean default false, at timestamptz default now()) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  span constant interval := case get_metrics.time_range
    when '1h' then interval '1 hour' when '24h' then interval '24 hours' when '7d' then interval '7 days'
    when '30d' then interval '30 days' when '90d' then interval '90 days' end;
  recent constant interval := least(span, interval '24 hours');
  season constant jsonb := wedding_dbopt.get_season(get_metrics.at);
  load jsonb;
  trend jsonb;
begin
  perform _wedding_dbopt.require(span is not null, format('unknown time_range %L', get_metrics.time_range), 'Use 1h, 24h, 7d, 30d or 90d.');
  load := wedding_dbopt.analyze_load_patterns(span, get_metrics.at);
  trend := _wedding_dbopt.trends(get_metrics.at - span, get_metrics.at);
  return jsonb_build_object(
    'current', jsonb_build_object(
      'timestamp', get_metrics.at,
      'query_performance', (
        select coalesce(jsonb_agg(jsonb_build_object(
                 'query_hash', stat.query_hash, 'query_text', stat.query,
                 'avg_duration', stat.avg_duration, 'stddev_duration', stat.stddev_exec_time, 'total_calls', stat.total_calls,
                 'rows_examined', stat.rows_examined, 'rows_returned', stat.rows_returned, 'cache_hit_ratio', stat.cache_hit_ratio,
                 'wedding_context', stat.wedding_context, 'business_criticality', stat.business_criticality,
                 'objective_ms', stat.objective_ms, 'objective_met', stat.objective_met, 'complete', stat.complete)
                 order by stat.total_exec_time desc), '[]')
        from wedding_dbopt.get_query_performance(100, 10, recent, get_metrics.at) as stat),
      'connection_pool', (select to_jsonb(stat) from wedding_dbopt.get_connection_stats(get_metrics.at) as stat),
      'index_utilization', (
        select coalesce(jsonb_agg(jsonb_build_object(
                 'schema_name', stat.schemaname, 'table_name', stat.tablename, 'index_name', stat.indexrelname,
                 'index_size', stat.index_size, 'index_scans', stat.idx_scan, 'tuples_read', stat.idx_tup_read,
                 'tuples_fetched', stat.idx_tup_fetch, 'index_scans_window', stat.index_scans_window,
                 'efficiency_ratio', stat.efficiency_ratio, 'is_valid', stat.is_valid, 'is_redundant', stat.is_redundant,
                 'wedding_relevance', stat.wedding_relevance, 'optimization_priority', stat.optimization_priority)
                 order by stat.optimization_priority desc nulls last, stat.index_size desc), '[]')
        from (select * from wedding_dbopt.get_index_usage_stats(recent, get_metrics.at) limit 100) as stat),
      'system_resources', _wedding_dbopt.system_resources(get_metrics.at),
      'wedding_season_indicators', load),
    'trends', trend,
    'wedding_insights', to_jsonb(_wedding_dbopt.wedding_insights(
      coalesce(get_metrics.season_mode, false), season, load, trend, get_metrics.time_range)),
    'last_updated', (
      select max(sample.at) from _wedding_dbopt.statement_sample as sample where sample.at <= get_metrics.at));
end $$;
comment on function wedding_dbopt.get_metrics(text, boolean, timestamptz) is
  'Everything a dashboard shows in one call: current (a DatabaseMetrics; its statements and indexes are those of the last 24 hours at most), trends of the time range (1h, 24h, 7d, 30d, 90d) against the window before and the same hours a day, a week and a year ago with what is significant, wedding_insights in plain sentences (other ones with season_mode), and last_updated, the time of the last collection pass.';
