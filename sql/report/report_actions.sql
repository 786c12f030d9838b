create or replace function _wedding_dbopt.report_actions(since timestamptz, until timestamptz, time_zone text) returns text
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select format('<section><h2>Changes</h2><p class="muted">Estimated is the planner''s view before, measured the time per call after, both in percent less.</p>%s</section>',
    _wedding_dbopt.html_table('{Change,State,Context,Applied,#Estimated %,#Measured %,SQL and how to undo it}',
      array_agg(format('<td>%s%s</td><td><span class="tag %s">%s</span></td><td>%s</td><td>%s</td><td class="num">%s</td><td class="num"><b>%s</b></td><td><code>%s</code><code class="muted">undo: %s</code></td>',
        _wedding_dbopt.html_escape(deed.description),
        coalesce('<br><span class="muted">' || _wedding_dbopt.html_escape(coalesce(deed.error, deed.verdict)) || '</span>', ''),
        case deed.state when 'kept' then 'good' when 'failed' then 'critical' when 'rolled_back' then 'warning' else '' end,
        replace(deed.state, '_', ' '), _wedding_dbopt.html_escape(replace(deed.wedding_context, '_', ' ')),
        coalesce(to_char(deed.applied_at at time zone time_zone, 'DD Mon HH24:MI'), '&ndash;'),
        _wedding_dbopt.html_number(deed.estimated_impact), _wedding_dbopt.html_number(deed.measured_impact),
        _wedding_dbopt.html_escape(array_to_string(deed.sql, E';\n')), _wedding_dbopt.html_escape(array_to_string(deed.rollback_sql, E';\n'))) order by deed.id desc),
      'No change was proposed or applied in this window.'))
  from _wedding_dbopt.action as deed
  where coalesce(deed.finished_at, deed.applied_at, deed.created_at) >= since and deed.created_at <= until
$$;
comment on function _wedding_dbopt.report_actions(timestamptz, timestamptz, text) is
  'Part of the report: what was changed, the estimated against the measured gain, and the SQL that undoes it.';
