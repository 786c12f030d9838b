create or replace function wedding_dbopt.get_freezes(at timestamptz default now())
returns table (name text, kind text, weekday integer, season text, from_time time, until_time time, starts_at timestamptz, ends_at timestamptz,
               reason text, enabled boolean, in_force boolean, next_from timestamptz, next_until timestamptz)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select f.name, case when f.weekday is null then 'span' else 'weekly' end, f.weekday::integer, f.season,
         case when f.weekday is not null then f.from_time end, case when f.weekday is not null then f.until_time end,
         f.starts_at, f.ends_at, f.reason, f.enabled, coalesce(n.since <= get_freezes.at, false), n.since, n.until
  from _wedding_dbopt.freeze f
  left join lateral (
    select w.since, w.until from _wedding_dbopt.freezes_between(_wedding_dbopt.window_start(get_freezes.at), _wedding_dbopt.window_start(get_freezes.at) + interval '370 days') w
    where w.name = f.name order by w.since limit 1) n on true
  order by n.since nulls last, f.name
$$;
comment on function wedding_dbopt.get_freezes(timestamptz) is
  'The freezes: when no heavy work begins, whether one is in force, and when each is (or comes) next within a year.';
