create or replace function _wedding_dbopt.access_policy() returns table (level text, routine text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  values
    ('read', 'wedding_dbopt.analyze_load_patterns'),
    ('read', 'wedding_dbopt.check_installation'),
    ('read', 'wedding_dbopt.get_actions'),
    ('read', 'wedding_dbopt.get_connection_stats'),
    ('read', 'wedding_dbopt.get_index_usage_stats'),
    ('read', 'wedding_dbopt.get_metrics'),
    ('read', 'wedding_dbopt.get_objectives'),
    ('read', 'wedding_dbopt.get_query_performance'),
    ('read', 'wedding_dbopt.get_recommendations'),
    ('read', 'wedding_dbopt.get_season'),
    ('read', 'wedding_dbopt.get_settings'),
    ('read', 'wedding_dbopt.get_tuning_run'),
    ('read', 'wedding_dbopt.health'),
    ('read', 'wedding_dbopt.report_html'),
    ('analyze', 'wedding_dbopt.analyze_query'),
    ('analyze', 'wedding_dbopt.recommend_indexes'),
    ('analyze', 'wedding_dbopt.rewrite_rules'),
    ('operate', 'wedding_dbopt.approve'),
    ('operate', 'wedding_dbopt.optimize_database'),
    ('operate', 'wedding_dbopt.pause'),
    ('operate', 'wedding_dbopt.resume'),
    ('operate', 'wedding_dbopt.rollback_action'),
    ('operate', 'wedding_dbopt.rollback_run'),
    ('operate', 'wedding_dbopt.set_setting'),
    ('owner', 'wedding_dbopt.collect'),
    ('owner', 'wedding_dbopt.grant_access'),
    ('owner', 'wedding_dbopt.maintain'),
    ('owner', 'wedding_dbopt.process_actions'),
    ('owner', 'wedding_dbopt.run_tuning'),
    ('owner', 'wedding_dbopt.schedule_jobs'),
    ('owner', 'wedding_dbopt.tick'),
    ('owner', 'wedding_dbopt.unschedule_jobs')
$$;
comment on function _wedding_dbopt.access_policy() is
  'The whole privilege policy: which level may call which routine; levels nest, owner is never granted.';
