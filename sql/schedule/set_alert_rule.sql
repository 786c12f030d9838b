-- SECURITY DEFINER: who may operate needs no rights on our tables. It only writes our own rows.
create or replace function wedding_dbopt.set_alert_rule(kind text, warning numeric default null, critical numeric default null, enabled boolean default true) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  old_rule _wedding_dbopt.alert_rule;
  new_rule _wedding_dbopt.alert_rule;
  keep     constant boolean := set_alert_rule.warning is null and set_alert_rule.critical is null;  -- only switched on or off
begin
  select * into old_rule from _wedding_dbopt.alert_rule r where r.kind = set_alert_rule.kind for update;
  perform _wedding_dbopt.require(old_rule.kind is not null, format('there is no alert rule %L', set_alert_rule.kind), 'select kind, warning, critical from wedding_dbopt.get_alert_rules()');
  perform _wedding_dbopt.require(set_alert_rule.enabled is not null, 'enabled must be true or false', 'A rule that is off never alerts.');
  perform _wedding_dbopt.require(coalesce(set_alert_rule.warning, 1) > 0 and coalesce(set_alert_rule.critical, 1) > 0
      and coalesce(set_alert_rule.warning, 1) < 'Infinity' and coalesce(set_alert_rule.critical, 1) < 'Infinity', 'thresholds must be positive numbers', 'Leave one out for never.');
  perform _wedding_dbopt.require(coalesce(set_alert_rule.warning <= set_alert_rule.critical, true), 'warning must not be above critical', 'All values are higher is worse.');
  update _wedding_dbopt.alert_rule r set warning = case when keep then r.warning else set_alert_rule.warning end,
    critical = case when keep then r.critical else set_alert_rule.critical end, enabled = set_alert_rule.enabled
  where r.kind = set_alert_rule.kind returning * into new_rule;
  insert into _wedding_dbopt.event (at, actor, subject, subject_id, from_state, to_state, reason)
  values (clock_timestamp(), _wedding_dbopt.actor(), 'alert_rule', new_rule.kind,
    format('warning %s, critical %s, %s', coalesce(old_rule.warning::text, 'never'), coalesce(old_rule.critical::text, 'never'), case when old_rule.enabled then 'on' else 'off' end),
    format('warning %s, critical %s, %s', coalesce(new_rule.warning::text, 'never'), coalesce(new_rule.critical::text, 'never'), case when new_rule.enabled then 'on' else 'off' end),
    'set by ' || _wedding_dbopt.actor());
  return jsonb_build_object('success', true, 'kind', new_rule.kind, 'warning', new_rule.warning, 'critical', new_rule.critical, 'enabled', new_rule.enabled);
end $$;
comment on function wedding_dbopt.set_alert_rule(text, numeric, numeric, boolean) is
  'Sets from which value on a kind of alert warns and is critical (leave one out for never, both to keep them), and whether it is on; get_alert_rules() lists them.';
