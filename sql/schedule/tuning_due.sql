create or replace function _wedding_dbopt.tuning_due(at timestamptz) returns boolean
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select _wedding_dbopt.setting_value('enabled') = 'on'
    and not exists (select from _wedding_dbopt.tuning_run r where r.state in ('queued', 'running'))
    -- the first run waits until there is an interval's worth of history, or every restart would tune on nothing
    and (_wedding_dbopt.cache_is_cold(tuning_due.at) or tuning_due.at >= (wedding_dbopt.get_season(tuning_due.at) ->> 'tuning_interval')::interval
      + coalesce((select max(r.requested_at) from _wedding_dbopt.tuning_run r where r.trigger = 'schedule' and r.requested_at <= tuning_due.at),
                 (select min(e.at) from _wedding_dbopt.event e where e.subject = 'schedule')))
$$;
comment on function _wedding_dbopt.tuning_due(timestamptz) is
  'True when the season''s interval has passed since the last scheduled tuning run (or since schedule_jobs()), and shortly after a restart.';
