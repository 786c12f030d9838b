create or replace function _wedding_dbopt.queue_scheduled_run(at timestamptz) returns void
language sql volatile security invoker set search_path = pg_catalog, pg_temp as $$
  insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
  select 'schedule', session_user, queue_scheduled_run.at, _wedding_dbopt.setting_value('tuning_level'),
         (wedding_dbopt.get_season(queue_scheduled_run.at) ->> 'is_wedding_season')::boolean
  where _wedding_dbopt.tuning_due(queue_scheduled_run.at)
$$;
comment on function _wedding_dbopt.queue_scheduled_run(timestamptz) is 'Queues a tuning run when one is due by the season''s interval.';
