create or replace function _wedding_dbopt.end_minute(at timestamptz) returns boolean
language sql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
  with mine as (
    delete from _wedding_dbopt.collector c where c.pid = pg_backend_pid() and c.begun_at = end_minute.at returning 1
  )
  select exists (select from mine)
$$;
comment on function _wedding_dbopt.end_minute(timestamptz) is 'Takes this session''s name off the minute that it collected; false when it was not there.';
