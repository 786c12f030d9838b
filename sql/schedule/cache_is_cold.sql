create or replace function _wedding_dbopt.cache_is_cold(at timestamptz) returns boolean
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select pg_postmaster_start_time() between cache_is_cold.at - interval '30 minutes' and cache_is_cold.at
    and _wedding_dbopt.setting_value('mode.cache_optimization') = 'auto'
    and exists (select from pg_extension where extname = 'pg_prewarm')
    and exists (select from _wedding_dbopt.event e where e.subject = 'schedule')
    and not exists (select from _wedding_dbopt.tuning_run r where r.requested_at >= pg_postmaster_start_time())
$$;
comment on function _wedding_dbopt.cache_is_cold(timestamptz) is
  'Whether the server began within half an hour and nothing was read into its memory yet, although that may be done by itself: then a tuning run does not wait for its interval.';
