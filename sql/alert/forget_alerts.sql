create or replace function _wedding_dbopt.forget_alerts(at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  delete from _wedding_dbopt.alert a where a.resolved_at < forget_alerts.at - _wedding_dbopt.setting_value('alert_retention')::interval
$$;
comment on function _wedding_dbopt.forget_alerts(timestamptz) is 'Deletes alerts that were resolved longer ago than the setting alert_retention; their events stay.';
