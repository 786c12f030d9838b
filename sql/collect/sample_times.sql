-- A statement_timeout counts for the whole CALL, sleep included: two seconds are left of it too.
create or replace function _wedding_dbopt.sample_times(at timestamptz, begun timestamptz) returns timestamptz[]
language sql stable security invoker
set search_path = pg_catalog, pg_temp as $$
  with setting as (
    select _wedding_dbopt.setting_value('sessions_interval')::interval as step,
      (select s.setting::integer from pg_settings s where s.name = 'statement_timeout') as timeout_ms
  ), ending as (
    select s.step, least(
      date_trunc('minute', sample_times.at) + interval '55 seconds',
      sample_times.at + case when s.timeout_ms > 0
        then statement_timestamp() - sample_times.begun + s.timeout_ms * interval '1 ms' - interval '2 seconds' end) as at
    from setting s
  )
  select coalesce(array_agg(t.due order by t.due), '{}')
  from ending e
  cross join lateral generate_series(sample_times.at + e.step, e.at, e.step) as t (due)
  where e.step > interval '0'
$$;
comment on function _wedding_dbopt.sample_times(timestamptz, timestamptz) is
  'When collect_minute(), at a time and begun at a time of the clock, samples sessions: each sessions_interval up to five seconds before the minute ends.';
