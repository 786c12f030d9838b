-- Quarters of an hour, because some time zones are half an hour or three quarters apart from the others.
create or replace function _wedding_dbopt.next_quiet(at timestamptz) returns timestamptz
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with place as materialized (
    select _wedding_dbopt.setting_value('time_zone') as zone
  ), barred as materialized (
    select c.hour_of_week from _wedding_dbopt.hour_classes() c where c.class <> 'quiet'
  ), frozen as materialized (
    select f.since, f.until from _wedding_dbopt.freezes_between(next_quiet.at, next_quiet.at + interval '15 days') f
  )
  select min(s.moment)
  from place p cross join lateral (
    select next_quiet.at as moment
    union all
    select date_bin('15 minutes', next_quiet.at, '2001-01-01Z') + n * interval '15 minutes' from generate_series(1, 14 * 96) n
    union all
    select f.until from frozen f where f.until > next_quiet.at) s
  where not exists (select from frozen f where f.since <= s.moment and f.until > s.moment)
    and _wedding_dbopt.hour_of_week(s.moment, p.zone) not in (select b.hour_of_week from barred b)
$$;
comment on function _wedding_dbopt.next_quiet(timestamptz) is
  'The first moment from a time on that lies in no freeze and in a quiet hour of the learned profile, within a fortnight; null if there is none.';
