create or replace function wedding_dbopt.report_html(
  since timestamptz default null, until timestamptz default null, title text default 'Wedding platform database report') returns text
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  last_moment constant timestamptz := _wedding_dbopt.window_start(coalesce(report_html.until, now()));
  history_from constant timestamptz := least((select min(h.hour) from _wedding_dbopt.statement_hour h),
                                             (select min(s.at) from _wedding_dbopt.statement_sample s));
  first_moment constant timestamptz := coalesce(_wedding_dbopt.window_start(report_html.since),
    greatest(last_moment - interval '24 hours', least(history_from, last_moment - interval '10 minutes')));
  zone constant text := _wedding_dbopt.setting_value('time_zone');
  sums jsonb;
begin
  perform _wedding_dbopt.require(first_moment < last_moment, 'since must be before until', 'Leave both out for the last 24 hours.');
  perform _wedding_dbopt.require(last_moment - first_moment between interval '1 minute' and interval '90 days',
    'the window must be between a minute and 90 days long', 'History is reported for 90 days at most.');
  select jsonb_object_agg(summed.context, to_jsonb(summed)) into sums
  from _wedding_dbopt.context_sum(first_moment, last_moment) as summed;
  return concat(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>',
    _wedding_dbopt.html_escape(report_html.title), '</title><style>', _wedding_dbopt.report_style(), '</style></head><body><main><header><h1>',
    _wedding_dbopt.html_escape(report_html.title), '</h1><p class="muted">',
    _wedding_dbopt.html_escape(format('Database %s, %s to %s (%s)', current_database(),
      to_char(first_moment at time zone zone, 'DD Mon YYYY HH24:MI'), to_char(last_moment at time zone zone, 'DD Mon YYYY HH24:MI'), zone)),
    case when not _wedding_dbopt.is_complete(first_moment, last_moment)
         then '. A restart, a reset or an eviction hid some calls in this window.' end,
    '</p></header>',
    _wedding_dbopt.report_summary(first_moment, last_moment, sums),
    _wedding_dbopt.report_alerts(first_moment, last_moment, zone),
    _wedding_dbopt.report_objectives(last_moment, sums, zone),
    _wedding_dbopt.report_readiness(last_moment, zone),
    _wedding_dbopt.report_charts(first_moment, last_moment, zone),
    _wedding_dbopt.report_actions(first_moment, last_moment, zone),
    _wedding_dbopt.report_verifications(first_moment, last_moment),
    _wedding_dbopt.report_statements(first_moment, last_moment,
      (sums #>> '{all,calls}')::numeric * (sums #>> '{all,mean_ms}')::numeric),
    _wedding_dbopt.report_health(last_moment),
    '</main></body></html>');
end $$;
comment on function wedding_dbopt.report_html(timestamptz, timestamptz, text) is
  'A stand-alone HTML page on a window (the last 24 hours if none is given): objectives before and after the last tuning run, charts, changes with estimated against measured gain and the SQL that undoes them, top statements, health. It needs no network and no scripts.';
