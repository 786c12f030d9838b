create or replace function _wedding_dbopt.report_statements(since timestamptz, until timestamptz, total_ms numeric) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with top as (
    select stat.*, 100 * stat.total_exec_time / nullif(total_ms, 0) as share
    from wedding_dbopt.get_query_performance(20, 1, _wedding_dbopt.window_length(since, until), until) as stat
  )
  select format('<section><h2>Statements that took the most time</h2>%s</section>',
    _wedding_dbopt.html_table('{Statement,Context,#Calls,#Mean ms,#Deviation ms,#Share of time %,#Rows per call,#Cache hits %}',
      array_agg(format('<td><code>%s</code></td><td><i class="c-%s"></i>%s<br><span class="muted">%s</span></td><td class="num">%s</td><td class="num%s"><b>%s</b></td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td><td class="num">%s</td>',
        _wedding_dbopt.html_escape(coalesce(
          case when length(top.query) > 400 then left(top.query, 400) || ' ...' else top.query end, 'statement ' || top.queryid)),
        _wedding_dbopt.html_escape(top.wedding_context), _wedding_dbopt.html_escape(replace(top.wedding_context, '_', ' ')),
        _wedding_dbopt.html_escape(top.business_criticality), _wedding_dbopt.html_number(top.calls),
        case when not top.objective_met then ' over' else '' end,
        _wedding_dbopt.html_number(top.mean_exec_time), _wedding_dbopt.html_number(top.stddev_exec_time), _wedding_dbopt.html_number(top.share),
        _wedding_dbopt.html_number(top.rows::numeric / top.calls), _wedding_dbopt.html_number(100 * top.cache_hit_ratio))
        order by top.total_exec_time desc),
      'No statement was recorded in this window.'))
  from top
$$;
comment on function _wedding_dbopt.report_statements(timestamptz, timestamptz, numeric) is
  'Part of the report: the twenty statements with the most execution time in the window.';
