create or replace function _wedding_dbopt.hour_profile(since timestamptz, until timestamptz, time_zone text)
returns table(context text, hour_of_day integer, calls_per_hour float8, hours integer)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with whole as materialized (
    select recorded.* from _wedding_dbopt.context_hours(hour_profile.since, hour_profile.until) as recorded
    where recorded.hour >= hour_profile.since and recorded.hour + interval '1 hour' <= hour_profile.until
  ), known as (
    select extract(hour from whole.hour at time zone hour_profile.time_zone)::integer as hour_of_day,
           count(distinct whole.hour)::integer as hours
    from whole group by 1
  )
  select contexts.context, known.hour_of_day, coalesce(sum(whole.calls), 0)::float8 / known.hours, known.hours
  from known
  cross join _wedding_dbopt.contexts()
  left join whole on whole.context = contexts.context
    and extract(hour from whole.hour at time zone hour_profile.time_zone) = known.hour_of_day
  group by contexts.context, known.hour_of_day, known.hours
$$;
comment on function _wedding_dbopt.hour_profile(timestamptz, timestamptz, text) is
  'Mean calls per hour of each business context by the local hour of the day, with the number of whole hours behind it.';
