create or replace function _wedding_dbopt.context_series(since timestamptz, until timestamptz, step interval, time_zone text)
returns table(at timestamptz, context text, calls_per_minute float8, mean_ms float8)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with hours as (
    select recorded.* from _wedding_dbopt.context_hours(context_series.since, context_series.until) as recorded
    where context_series.step >= interval '1 hour' and recorded.hour + interval '1 hour' <= context_series.until
  ), slot as (
    select recorded.previous_at as begun, recorded.context, recorded.calls, recorded.exec_ms,
           extract(epoch from recorded.at - recorded.previous_at)::float8 / 60 as minutes
    from _wedding_dbopt.context_passes(context_series.since, context_series.until) as recorded
    where context_series.step < interval '1 hour'
    union all
    select known.hour, contexts.context, coalesce(hours.calls, 0), coalesce(hours.exec_ms, 0), 60
    from (select distinct hours.hour from hours) as known
    cross join _wedding_dbopt.contexts()
    left join hours on hours.hour = known.hour and hours.context = contexts.context
  )
  select date_bin(context_series.step, slot.begun, timestamp '2001-01-01' at time zone context_series.time_zone),
         slot.context, sum(slot.calls) / sum(slot.minutes), sum(slot.exec_ms) / nullif(sum(slot.calls), 0)
  from slot
  group by 1, 2
$$;
comment on function _wedding_dbopt.context_series(timestamptz, timestamptz, interval, text) is
  'Calls per minute and mean milliseconds of each business context in steps, for charts; a step without any collection pass is absent.';
