-- Any role may listen to a channel, so what is sent names no session and no application; get_alerts() has the whole.
create or replace function _wedding_dbopt.announce_alert(alert _wedding_dbopt.alert, from_state text, to_state text, at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (announce_alert.at, _wedding_dbopt.actor(), 'alert', announce_alert.alert.id::text, announce_alert.from_state, announce_alert.to_state,
          concat_ws(' ', announce_alert.alert.severity || ':', announce_alert.alert.message));
  select pg_notify('wedding_dbopt_alert', jsonb_build_object('id', announce_alert.alert.id, 'state', announce_alert.to_state, 'kind', announce_alert.alert.kind,
    'severity', announce_alert.alert.severity, 'context', announce_alert.alert.context, 'value', announce_alert.alert.value, 'threshold', announce_alert.alert.threshold,
    'opened_at', announce_alert.alert.opened_at, 'resolved_at', announce_alert.alert.resolved_at, 'acknowledged', announce_alert.alert.acknowledged_at is not null,
    'suspect', announce_alert.alert.suspect #>> '{0,type}', 'queryid', announce_alert.alert.suspect #>> '{0,queryid}',
    'title', (select r.title from _wedding_dbopt.alert_rule r where r.kind = announce_alert.alert.kind))::text)
$$;
comment on function _wedding_dbopt.announce_alert(_wedding_dbopt.alert, text, text, timestamptz) is
  'Notes the event of an alert (open, escalated, resolved) and notifies the channel wedding_dbopt_alert with JSON.';
