create or replace function _wedding_dbopt.forget_rule_use(at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  delete from _wedding_dbopt.rule_use u where u.at < forget_rule_use.at - _wedding_dbopt.setting_value('daily_retention')::interval
$$;
comment on function _wedding_dbopt.forget_rule_use(timestamptz) is 'Deletes what is older than the setting daily_retention from the use of rewrite rules.';
