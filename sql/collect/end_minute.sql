create or replace function _wedding_dbopt.end_minute(at timestamptz) returns boolean
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  with mine as (
    delete from _wedding_dbopt.collector c where c.pid = pg_backend_pid() and c.begun_at = end_minute.at returning c.sampling_ms
  ), logged as (
    insert into _wedding_dbopt.collect_log (at, source, duration_ms) select end_minute.at, 'sessions', m.sampling_ms from mine m
    returning 1
  )
  select exists (select from logged)
$$;
comment on function _wedding_dbopt.end_minute(timestamptz) is
  'Takes this session''s name off the minute that it collected and logs what the samples in it took together; false when it was not there.';
