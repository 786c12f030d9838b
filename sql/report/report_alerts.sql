create or replace function _wedding_dbopt.report_alerts(since timestamptz, until timestamptz, time_zone text) returns text
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select format('<section><h2>Alerts</h2><p class="muted">%s</p>%s</section>',
    format('%s in this window, %s of them critical%s.', count(*), count(*) filter (where entry.severity = 'critical'),
      case when count(*) > 50 then '; the 50 worst are shown' else '' end),
    _wedding_dbopt.html_table('{Severity,What,From,To,Suspect}',
      (array_agg(format('<td><span class="tag %s">%s</span></td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>',
        case entry.severity when 'info' then '' else entry.severity end, entry.severity, _wedding_dbopt.html_escape(entry.message),
        to_char(entry.opened_at at time zone time_zone, 'DD Mon HH24:MI'),
        coalesce(to_char(entry.resolved_at at time zone time_zone, 'DD Mon HH24:MI'), '<b>open</b>'),
        coalesce(_wedding_dbopt.html_escape(entry.suspect #>> '{0,text}'), '&ndash;'))
        order by entry.resolved_at is not null, array_position(array['critical', 'warning', 'info'], entry.severity), entry.opened_at desc))[1:50],
      'No alert was open in this window.'))
  from _wedding_dbopt.alert as entry
  where entry.opened_at <= until and coalesce(entry.resolved_at, 'infinity') >= since
$$;
comment on function _wedding_dbopt.report_alerts(timestamptz, timestamptz, text) is
  'Part of the report: the alerts that were open in the window, the open and the worst first, each with its first suspect.';
