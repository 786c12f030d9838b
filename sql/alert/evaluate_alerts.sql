-- One open alert per key. It opens with the first signal that is more than fading, gets worse but not better while it is
-- open, and is resolved when nothing was seen of it for alert_calm, twice as long for each time it came back within the hour: what
-- flaps stays open. Without samples nothing is judged, neither good nor bad.
create or replace function _wedding_dbopt.evaluate_alerts(at timestamptz) returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  calm     constant interval := _wedding_dbopt.setting_value('alert_calm')::interval;
  grades   constant text[] := array['fading', 'info', 'warning', 'critical'];
  clock    timestamptz;
  check_name text;
  signals  _wedding_dbopt.alert_signal[] := array[]::_wedding_dbopt.alert_signal[];
  given    _wedding_dbopt.alert_signal[];
  signal   _wedding_dbopt.alert_signal;
  entry    _wedding_dbopt.alert;
  suspects jsonb;
  judged   text[] := array['own'];
  opened   integer := 0;
  escalated integer := 0;
  resolved integer := 0;
begin
  select c.evaluated_at into clock from _wedding_dbopt.alert_clock c for update skip locked;
  if not found and exists (select from _wedding_dbopt.alert_clock) or clock >= evaluate_alerts.at and not _wedding_dbopt.clock_was_ahead(clock, evaluate_alerts.at) then
    return jsonb_build_object('skipped', true);
  end if;
  if clock >= evaluate_alerts.at then
    update _wedding_dbopt.alert a set updated_at = evaluate_alerts.at where a.resolved_at is null and a.updated_at > evaluate_alerts.at;
  end if;
  if clock is null then
    insert into _wedding_dbopt.alert_clock (evaluated_at) values (evaluate_alerts.at);
  else
    update _wedding_dbopt.alert_clock set evaluated_at = evaluate_alerts.at;
  end if;

  if exists (select from _wedding_dbopt.statement_sample s where s.at > evaluate_alerts.at - interval '2 minutes' and s.at <= evaluate_alerts.at) then
    judged := judged || 'load'::text;
  end if;
  if exists (select from _wedding_dbopt.connection_sample s where s.at > evaluate_alerts.at - interval '2 minutes' and s.at <= evaluate_alerts.at) then
    judged := judged || 'sessions'::text;
  end if;
  if exists (select from _wedding_dbopt.system_sample s where s.at > evaluate_alerts.at - interval '2 minutes' and s.at <= evaluate_alerts.at) then
    judged := judged || 'server'::text;
  end if;
  foreach check_name in array array['watch_own', 'watch_contexts', 'watch_statements', 'watch_sessions', 'watch_server'] loop
    begin
      case check_name  -- not by EXECUTE, which parses and plans each time
        when 'watch_own' then given := array(select s from _wedding_dbopt.watch_own(evaluate_alerts.at) s where s.severity is not null);
        when 'watch_contexts' then given := array(select s from _wedding_dbopt.watch_contexts(evaluate_alerts.at) s where s.severity is not null);
        when 'watch_statements' then given := array(select s from _wedding_dbopt.watch_statements(evaluate_alerts.at) s where s.severity is not null);
        when 'watch_sessions' then given := array(select s from _wedding_dbopt.watch_sessions(evaluate_alerts.at) s where s.severity is not null);
        when 'watch_server' then given := array(select s from _wedding_dbopt.watch_server(evaluate_alerts.at) s where s.severity is not null);
      end case;
      signals := signals || given;
    exception when others then
      insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values (evaluate_alerts.at, 'alerts: ' || check_name, sqlstate, sqlerrm);
    end;
  end loop;

  foreach signal in array signals loop
    select * into entry from _wedding_dbopt.alert a where a.key = concat_ws(':', signal.kind, signal.object) and a.resolved_at is null;
    continue when entry.id is null and signal.severity = 'fading';
    suspects := null;
    -- Once more with the second signal: the trouble began somewhere inside the first pass.
    if entry.id is null or entry.count = 1 or array_position(grades, signal.severity) > array_position(grades, entry.severity) then
      begin
        suspects := _wedding_dbopt.alert_suspects(signal, evaluate_alerts.at);
      exception when others then
        insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values (evaluate_alerts.at, 'alerts: suspects', sqlstate, sqlerrm);
      end;
    end if;
    if entry.id is null then
      insert into _wedding_dbopt.alert
        (key, kind, severity, context, object, opened_at, updated_at, value, peak, threshold, message, suspect, reopened)
      select concat_ws(':', signal.kind, signal.object), signal.kind, signal.severity, signal.context, signal.object, evaluate_alerts.at, evaluate_alerts.at,
        round(signal.value::numeric, 4), round(signal.value::numeric, 4), signal.threshold, signal.message, coalesce(suspects, '[]'),
        coalesce((select max(a.reopened) + 1 from _wedding_dbopt.alert a
                  where a.resolved_at > evaluate_alerts.at - interval '1 hour' and a.key = concat_ws(':', signal.kind, signal.object)), 0)
      returning * into entry;
      perform _wedding_dbopt.announce_alert(entry, null, 'open', evaluate_alerts.at);
      opened := opened + 1;
    else
      update _wedding_dbopt.alert a set updated_at = evaluate_alerts.at, count = a.count + 1, value = round(signal.value::numeric, 4),
        peak = greatest(a.peak, round(signal.value::numeric, 4)), message = case when signal.severity = 'fading' then a.message else signal.message end,
        severity = case when array_position(grades, signal.severity) > array_position(grades, a.severity) then signal.severity else a.severity end,
        threshold = case when array_position(grades, signal.severity) > array_position(grades, a.severity) then signal.threshold else a.threshold end,
        suspect = coalesce(nullif(suspects, '[]'), a.suspect)
      where a.id = entry.id;
      if array_position(grades, signal.severity) > array_position(grades, entry.severity) then
        select * into entry from _wedding_dbopt.alert a where a.id = entry.id;
        perform _wedding_dbopt.announce_alert(entry, 'open', 'escalated', evaluate_alerts.at);
        escalated := escalated + 1;
      end if;
    end if;
  end loop;

  for entry in
    update _wedding_dbopt.alert a set resolved_at = evaluate_alerts.at
    where a.resolved_at is null
      and (a.updated_at <= evaluate_alerts.at - calm * (2 ^ least(a.reopened, 4)) and a.kind in (select r.kind from _wedding_dbopt.alert_rule r where r.source = any (judged))
           or a.kind not in (select r.kind from _wedding_dbopt.alert_rule r where r.enabled))
    returning a.*
  loop
    perform _wedding_dbopt.announce_alert(entry, 'open', 'resolved', evaluate_alerts.at);
    resolved := resolved + 1;
  end loop;
  return jsonb_build_object('signals', cardinality(signals), 'opened', opened, 'escalated', escalated, 'resolved', resolved);
end $$;
comment on function _wedding_dbopt.evaluate_alerts(timestamptz) is
  'Opens, updates, escalates and resolves alerts by what the samples up to a time say. An earlier or the same time again changes nothing.';
