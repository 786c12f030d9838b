create or replace function wedding_dbopt.get_alert_rules()
returns table (kind text, title text, warning numeric, critical numeric, unit text, enabled boolean, origin text, description text)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select r.kind, r.title, r.warning, r.critical, r.unit, r.enabled, r.origin, r.description from _wedding_dbopt.alert_rule r order by r.source, r.kind
$$;
comment on function wedding_dbopt.get_alert_rules() is 'What is watched each minute, from which value on it warns and is critical (null = never), and in which unit.';
