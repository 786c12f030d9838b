create or replace function _wedding_dbopt.report_charts(since timestamptz, until timestamptz, time_zone text) returns text
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with width as (
    select _wedding_dbopt.chart_step(since, until) as step
  ), history as materialized (
    select contexts.place, series.context, extract(epoch from series.at + width.step / 2) as t, series.calls_per_minute, series.mean_ms,
           bool_or(series.calls_per_minute > 0) over (partition by series.context) as used
    from width, _wedding_dbopt.context_series(since, until, width.step, time_zone) as series
    join _wedding_dbopt.contexts() on contexts.context = series.context
  ), changes as (
    select coalesce(array_agg(deed.applied_at order by deed.applied_at), '{}') as at
    from _wedding_dbopt.action as deed where deed.applied_at between since and until
  ), connections as (
    select extract(epoch from date_bin(width.step, sample.at, '2001-01-01Z') + width.step / 2) as t,
           avg(sample.active) as active, avg(sample.idle) as idle, avg(sample.idle_in_transaction) as idle_in_transaction,
           avg(sample.waiting) as waiting, min(sample.max_connections - sample.reserved) as usable
    from width, _wedding_dbopt.connection_sample as sample
    where sample.at > since and sample.at <= until
    group by 1
  ), machine as (
    select extract(epoch from date_bin(width.step, sample.at, '2001-01-01Z') + width.step / 2) as t, avg(sample.cpu_percent) as cpu
    from width, _wedding_dbopt.system_sample as sample
    where sample.at > since and sample.at <= until
    group by 1
  ), traffic as (
    select jsonb_agg(jsonb_build_object('name', replace(line.context, '_', ' '), 'colour', 'c-' || line.context, 'points', line.points)
                     order by line.place) as series
    from (select history.place, history.context, jsonb_agg(jsonb_build_array(history.t, history.calls_per_minute) order by history.t) as points
          from history where history.used group by 1, 2) as line
  ), latency as (
    select string_agg(_wedding_dbopt.svg_line_chart(
             upper(left(contexts.context, 1)) || replace(substr(contexts.context, 2), '_', ' '), 'mean ms per call',
             coalesce(line.series, '[]'), since, until, time_zone, width.step, objective.latency_ms, changes.at, 440), '' order by contexts.place) as charts
    from width cross join changes
    cross join _wedding_dbopt.contexts()
    left join _wedding_dbopt.objective on objective.context = contexts.context
    left join lateral (
      select jsonb_build_array(jsonb_build_object('name', replace(contexts.context, '_', ' '), 'colour', 'c-' || contexts.context,
               'points', jsonb_agg(jsonb_build_array(history.t, history.mean_ms) order by history.t))) as series
      from history where history.context = contexts.context having count(*) > 0) as line on true
  )
  select format('<section><h2>Traffic</h2>%s</section>', _wedding_dbopt.svg_line_chart('Calls', 'per minute, by business context',
           coalesce(traffic.series, '[]'), since, until, time_zone, width.step, null, changes.at, 960))
    || format('<section><h2>Latency against the objectives</h2>%s<div class="grid2">%s</div></section>',
         case when cardinality(changes.at) > 0
              then '<p class="muted">A vertical line marks the time at which a change was applied.</p>' end, latency.charts)
    || format('<section><h2>Resources</h2><div class="grid2">%s%s</div></section>',
         _wedding_dbopt.svg_line_chart('Connections', 'mean number by state',
           (select case when count(*) > 0 then jsonb_build_array(
              jsonb_build_object('name', 'active', 'colour', 'c-booking', 'points', jsonb_agg(jsonb_build_array(t, active) order by t)),
              jsonb_build_object('name', 'idle', 'colour', 'c-other', 'points', jsonb_agg(jsonb_build_array(t, idle) order by t)),
              jsonb_build_object('name', 'idle in transaction', 'colour', 'c-payment', 'points', jsonb_agg(jsonb_build_array(t, idle_in_transaction) order by t)),
              jsonb_build_object('name', 'waiting for a lock', 'colour', 'c-vendor_search', 'points', jsonb_agg(jsonb_build_array(t, waiting) order by t)))
            else '[]' end from connections),
           since, until, time_zone, width.step, null, changes.at, 440),
         _wedding_dbopt.svg_line_chart('CPU', 'percent busy',
           (select case when count(machine.cpu) > 0 then jsonb_build_array(jsonb_build_object('name', 'CPU', 'colour', 'c-booking',
              'points', jsonb_agg(jsonb_build_array(t, cpu) order by t))) else '[]' end from machine),
           since, until, time_zone, width.step, null, changes.at, 440))
  from width, changes, traffic, latency
$$;
comment on function _wedding_dbopt.report_charts(timestamptz, timestamptz, text) is
  'Charts of the report: calls, latency of each context against its objective, connections, CPU; lines where changes were applied.';
