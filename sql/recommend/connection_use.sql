-- What is coming: the busiest hour that is expected of the next two days against the one that was of the last day, where a fit
-- has both; else the calendar's multipliers, that of the day before being the one that the last day's figures were seen under.
create or replace function _wedding_dbopt.connection_use(at timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with used as materialized (
    select * from _wedding_dbopt.capacity_use(connection_use.at - interval '24 hours', connection_use.at)
  ), role as materialized (
    select r.key as name, max((r.value ->> 'max')::integer) as peak, max((r.value ->> 'active_max')::integer) as active_peak
    from _wedding_dbopt.connection_sample c cross join lateral jsonb_each(c.by_role) r
    where c.at > connection_use.at - interval '24 hours' and c.at <= connection_use.at group by r.key
  ), forecast as (
    select max(e.calls_per_minute) filter (where e.hour > connection_use.at) as calls, max(e.calls_per_minute) filter (where e.hour <= connection_use.at) as before
    from _wedding_dbopt.expected_hour e
    where e.context = 'all' and e.hour > connection_use.at - interval '1 day' and e.hour <= connection_use.at + interval '2 days'
  ), multiplier as (
    select (select max(m.multiplier) from _wedding_dbopt.season_multipliers() m where m.context = 'all' and m.season in (select s.name from _wedding_dbopt.seasons_on(connection_use.at - interval '1 day') s)) as now,
           (select max(m.multiplier) from _wedding_dbopt.season_multipliers() m where m.context = 'all'
              and m.season in (select s.name from _wedding_dbopt.seasons_on(connection_use.at + interval '1 day') s
                               union select s.name from _wedding_dbopt.seasons_on(connection_use.at + interval '2 days') s)) as soon,
           (select string_agg(s.name, ', ' order by s.name) from _wedding_dbopt.seasons_on(connection_use.at + interval '2 days') s
            where s.name not in (select n.name from _wedding_dbopt.seasons_on(connection_use.at - interval '1 day') n)) as names
  ), coming as (
    select case when f.calls is not null and f.before > 0 then f.calls / f.before
                else (greatest(m.soon, 1) / greatest(m.now, 1))::float8 end as factor,
           case when f.calls is not null and f.before > 0
                then format('the busiest hour of the next two days is expected to have %s calls a minute, that of the last day %s', round(f.calls::numeric, 1), round(f.before::numeric, 1))
                when m.names is not null then format('the season %s begins within two days', m.names)
                else 'nothing out of the ordinary is expected' end as words,
           m.names as season
    from forecast f cross join multiplier m
  )
  select jsonb_build_object(
    'database', current_database(), 'usable', used.usable, 'peak', used.connections, 'busy', used.busy + coalesce(used.held, 0),
    'coming_factor', coming.factor, 'coming', coming.words, 'season', coming.season,
    'other_databases', (select coalesce(sum(d.numbackends), 0) from pg_stat_database d where d.datname <> current_database()),
    'database_limit', (select d.datconnlimit from pg_database d where d.datname = current_database()),
    'shares', (select coalesce(jsonb_object_agg(s.name, s.share), '{}') from _wedding_dbopt.role_shares(connection_use.at - interval '24 hours', connection_use.at) s),
    'roles', (select coalesce(jsonb_agg(jsonb_build_object('role', r.name, 'superuser', g.rolsuper, 'peak', r.peak, 'active_peak', coalesce(r.active_peak, 0),
                                                           'limit', g.rolconnlimit) order by r.name), '[]')
              from role r join pg_roles g on g.rolname = r.name))
  from used cross join coming
$$;
comment on function _wedding_dbopt.connection_use(timestamptz) is
  'Connections of the last day as get_capacity() counts them: the most at once, in all and by role, sessions busy on average in the busiest five minutes, limits that are set, and what load is coming within two days as a multiple.';
