create or replace function _wedding_dbopt.report_health(at timestamptz) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select format('<section><h2>Health</h2>%s</section>',
    _wedding_dbopt.html_table('{Severity,What,Finding,Remedy}',
      array_agg(format('<td><span class="tag %s">%s</span></td><td>%s</td><td>%s</td><td>%s</td>',
        case item.severity when 'ok' then 'good' else item.severity end, item.severity,
        _wedding_dbopt.html_escape(replace(item.check_name, '_', ' ') || coalesce(': ' || item.object, '')),
        _wedding_dbopt.html_escape(item.finding), coalesce('<code>' || _wedding_dbopt.html_escape(item.remedy) || '</code>', '')) order by place),
      'Nothing found.'))
  from wedding_dbopt.health(report_health.at) with ordinality as item(severity, check_name, object, finding, remedy, place)
$$;
comment on function _wedding_dbopt.report_health(timestamptz) is 'Part of the report: the findings of health().';
