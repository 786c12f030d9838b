create or replace function wedding_dbopt.get_alerts(
  state text default 'open', since timestamptz default null, kind text default null, limit_count integer default 100)
returns table (id bigint, state text, severity text, kind text, title text, context text, object text, message text, suspect jsonb,
               value numeric, peak numeric, threshold numeric, unit text, opened_at timestamptz, updated_at timestamptz, resolved_at timestamptz,
               passes integer, reopened integer, acknowledged_by text, acknowledged_at timestamptz, acknowledged_reason text)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.require(get_alerts.state in ('open', 'acknowledged', 'resolved', 'all'), format('unknown state %L', get_alerts.state), 'Use open (also the acknowledged ones), acknowledged, resolved or all.');
  select _wedding_dbopt.require(get_alerts.limit_count > 0, 'limit_count must be positive', 'Ask for 1 row or more.');
  select _wedding_dbopt.require(get_alerts.kind is null or exists (select from _wedding_dbopt.alert_rule r where r.kind = get_alerts.kind), format('unknown kind %L', get_alerts.kind),
    'select kind from wedding_dbopt.get_alert_rules()');
  select a.id, case when a.resolved_at is not null then 'resolved' when a.acknowledged_at is not null then 'acknowledged' else 'open' end,
    a.severity, a.kind, r.title, a.context, a.object, a.message, a.suspect, a.value, a.peak, a.threshold, r.unit, a.opened_at, a.updated_at, a.resolved_at,
    a.count, a.reopened, a.acknowledged_by, a.acknowledged_at, a.acknowledged_reason
  from _wedding_dbopt.alert a left join _wedding_dbopt.alert_rule r using (kind)
  where case get_alerts.state when 'open' then a.resolved_at is null when 'acknowledged' then a.resolved_at is null and a.acknowledged_at is not null
                              when 'resolved' then a.resolved_at is not null else true end
    and (get_alerts.since is null or coalesce(a.resolved_at, a.updated_at) >= get_alerts.since)
    and (get_alerts.kind is null or a.kind = get_alerts.kind)
  order by a.resolved_at is not null, array_position(array['critical', 'warning', 'info'], a.severity), a.opened_at desc, a.id desc
  limit get_alerts.limit_count;
$$;
comment on function wedding_dbopt.get_alerts(text, timestamptz, text, integer) is
  'Alerts, the open and the worst first: what is wrong in plain words, who is suspected (most likely first, with numbers), since when, and who knows of it. passes is how often it was seen, reopened how often it had come back. since leaves out what was over before.';
