-- SECURITY DEFINER: who may operate needs no rights on our tables. It only writes our own rows.
create or replace function wedding_dbopt.acknowledge_alert(alert_id bigint, reason text) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  entry _wedding_dbopt.alert;
begin
  perform _wedding_dbopt.require(acknowledge_alert.reason ~ '\S', 'a reason is needed', 'Say who looks at it, or why it may stay.');
  select * into entry from _wedding_dbopt.alert a where a.id = acknowledge_alert.alert_id for update;
  perform _wedding_dbopt.require(entry.id is not null, format('there is no alert %s', coalesce(acknowledge_alert.alert_id::text, 'null')), 'select id, message from wedding_dbopt.get_alerts()');
  perform _wedding_dbopt.require(entry.resolved_at is null, format('alert %s is resolved already', entry.id), 'Only open alerts are acknowledged.');
  update _wedding_dbopt.alert a set acknowledged_by = _wedding_dbopt.actor(), acknowledged_at = clock_timestamp(), acknowledged_reason = left(acknowledge_alert.reason, 1000)
  where a.id = entry.id;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'alert', entry.id::text, 'open', 'acknowledged', left(acknowledge_alert.reason, 1000));
  return jsonb_build_object('success', true, 'alert_id', entry.id, 'severity', entry.severity, 'message', entry.message);
end $$;
comment on function wedding_dbopt.acknowledge_alert(bigint, text) is
  'Notes that somebody knows of an open alert, and why it may stay. It is resolved as any other, and announced again when it gets worse.';
