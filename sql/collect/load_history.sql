-- An hour counts as seen when passes observed a quarter of it; a gap of the collection lays its calls on the hour in
-- which it ends, so that hour does not count. How much of an hour was observed is known as long as the hourly roll-ups.
create or replace function _wedding_dbopt.load_history(at timestamptz, context text default null)
returns table (context text, since timestamptz, local_hours integer[], rates float8[], minutes float8[])
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with stored as materialized (
    select c.hour, c.context, c.calls from _wedding_dbopt.context_hour c
    where c.hour >= load_history.at - _wedding_dbopt.setting_value('daily_retention')::interval
      and c.hour + interval '1 hour' <= load_history.at
  ), seen as materialized (
    select h.hour, _wedding_dbopt.local_hour(h.hour, zone) as local_hour, least(60, coalesce(r.observed_s, 3600) / 60) as minutes
    from (select distinct s.hour from stored s union select r.hour from _wedding_dbopt.rolled_hour r
          where r.hour >= load_history.at - _wedding_dbopt.setting_value('daily_retention')::interval
            and r.hour + interval '1 hour' <= load_history.at) h
    left join _wedding_dbopt.rolled_hour r on r.hour = h.hour
    cross join _wedding_dbopt.setting_value('time_zone') as zone
    where coalesce(r.observed_s, 3600) between 900 and 7200
  ), load as (
    select s.hour, s.context, s.calls::float8 as calls from stored s
    union all
    select s.hour, 'all', sum(s.calls)::float8 from stored s group by s.hour
  )
  select known.context, min(s.hour), array_agg(s.local_hour order by s.hour),
         array_agg(coalesce(l.calls, 0) / s.minutes order by s.hour), array_agg(s.minutes order by s.hour)
  from (select k.context from _wedding_dbopt.contexts() k union all select 'all') known
  cross join seen s
  left join load l on l.hour = s.hour and l.context = known.context
  where load_history.context is null or known.context = load_history.context
  group by known.context
$$;
comment on function _wedding_dbopt.load_history(timestamptz, text) is
  'Calls per minute of each observed hour and context (all = the sum of all), oldest first, for the fit of the load; of one context if it is named.';
