-- What nobody can mean would otherwise end in the calendar's own error, without a word on what is allowed.
create or replace function _wedding_dbopt.window_start(at timestamptz, time_window interval default '0') returns timestamptz
language plpgsql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.require(coalesce(window_start.at >= '1970-01-01Z' and window_start.at < '2200-01-01Z', true),
    'at must be a time that comes', 'A time between the years 1970 and 2200, for example now().');
  perform _wedding_dbopt.require(coalesce(window_start.time_window between interval '-1000 years' and interval '1000 years', true),
    'time_window is longer than any history', 'For example ''24 hours'', ''30 days'' or ''1 year''.');
  return window_start.at - window_start.time_window;
end $$;
comment on function _wedding_dbopt.window_start(timestamptz, interval) is
  'The time so long before another. Refuses (SQLSTATE 22023) times before 1970 or from 2200 on and windows of more than a thousand years, but not nulls.';
