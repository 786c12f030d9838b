create or replace function _wedding_dbopt.watch_own(at timestamptz) returns setof _wedding_dbopt.alert_signal
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
begin
  return query
  select x.kind, x.object, x.context, x.severity, x.value::float8, x.threshold::numeric, x.message, x.evidence from (
  with last_pass as (
    select extract(epoch from watch_own.at - l.at)::float8 / 60 as minutes, l.at
    from _wedding_dbopt.collect_log l where l.source = 'statements' and l.duration_ms is not null and l.at <= watch_own.at
    order by l.at desc limit 1
  ), failing as (
    select l.source, count(*) as passes, (array_agg(l.reason order by l.at desc))[1] as reason, max(l.at) as at
    from _wedding_dbopt.collect_log l
    where l.at > watch_own.at - interval '5 minutes' and l.at <= watch_own.at and l.sqlstate is not null and l.source not like 'maintain:%'
    group by l.source
  )
  select r.kind, 'collector', null::text, _wedding_dbopt.alert_grade(p.minutes, r.warning, r.critical), p.minutes,
    _wedding_dbopt.alert_threshold(p.minutes, r.warning, r.critical),
    format('The last pass was taken %s minutes ago: nothing is watched until collect() runs again.', round(p.minutes::numeric, 1)), '{}'::jsonb
  from last_pass p join _wedding_dbopt.alert_rule r on r.kind = 'collection' and r.enabled
  where _wedding_dbopt.alert_grade(p.minutes, r.warning, r.critical) is not null
  union all
  select r.kind, f.source, null, _wedding_dbopt.alert_grade(f.passes, r.warning, r.critical), f.passes, coalesce(r.warning, r.critical),
    format('The source %s of the collector failed in %s passes of the last five minutes: %s', f.source, f.passes, f.reason), '{}'
  from failing f join _wedding_dbopt.alert_rule r on r.kind = 'collector_source' and r.enabled
  where f.at > watch_own.at - interval '2 minutes' and _wedding_dbopt.alert_grade(f.passes, r.warning, r.critical) is not null
  union all
  select r.kind, format('action %s', a.id), a.wedding_context,
    case when a.state = 'rolled_back' then 'info' else _wedding_dbopt.alert_grade(1, r.warning, r.critical) end, 1, coalesce(r.warning, r.critical),
    format('Action %s (%s) %s: %s', a.id, a.description, case a.state when 'failed' then 'failed' else 'was rolled back' end, coalesce(a.error,
      (select e.reason from _wedding_dbopt.event e where e.subject = 'action' and e.subject_id = a.id::text and e.to_state = a.state order by e.at desc limit 1),
      a.verdict, 'no reason was noted')),
    jsonb_build_object('action_id', a.id)
  from _wedding_dbopt.action a join _wedding_dbopt.alert_rule r on r.kind = 'action_failed' and r.enabled
  where a.state in ('failed', 'rolled_back') and a.finished_at > watch_own.at - interval '1 hour' and a.finished_at <= watch_own.at
  ) as x (kind, object, context, severity, value, threshold, message, evidence);
end $$;
comment on function _wedding_dbopt.watch_own(timestamptz) is
  'Signals of the extension itself: passes that are missing, sources that fail, changes that failed or were undone.';
