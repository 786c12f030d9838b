create or replace function _wedding_dbopt.maintenance_steps() returns text[]
language sql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp as $$
  select array['make_partitions', 'roll_up_hours', 'roll_up_days', 'refresh_recent', 'refresh_days', 'refresh_usual', 'fit_load', 'take_catalogue', 'take_baseline', 'drop_partitions', 'drop_roll_ups',
               'drop_statements', 'expire_recommendations', 'expire_actions', 'forget_alerts', 'forget_rule_use', 'prune_cron_log', 'watch_index_use', 'remember_season',
               'remember_findings']
$$;
comment on function _wedding_dbopt.maintenance_steps() is 'The steps of maintain(), in their order: each is a function of this name.';
