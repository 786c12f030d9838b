-- Summed before the contexts without calls are filled in: passes are many, steps are about a hundred.
create or replace function _wedding_dbopt.context_series(since timestamptz, until timestamptz, step interval, time_zone text)
returns table(at timestamptz, context text, calls_per_minute float8, mean_ms float8)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with origin as (
    select timestamp '2001-01-01' at time zone context_series.time_zone as moment
  ), hours as materialized (
    select date_bin(context_series.step, recorded.hour, origin.moment) as begun, recorded.hour, recorded.context, recorded.calls, recorded.exec_ms
    from origin, _wedding_dbopt.context_hours(context_series.since, context_series.until) as recorded
    where context_series.step >= interval '1 hour' and recorded.hour + interval '1 hour' <= context_series.until
  ), slot as (
    select date_bin(context_series.step, pass.previous_at, origin.moment) as begun, sum(extract(epoch from pass.at - pass.previous_at))::float8 / 60 as minutes
    from origin, _wedding_dbopt.statement_sample as pass
    where context_series.step < interval '1 hour'
      and pass.at > context_series.since and pass.at <= context_series.until and pass.previous_at is not null
    group by 1
    union all
    select hours.begun, 60 * count(distinct hours.hour) from hours group by hours.begun
  ), load as (
    select date_bin(context_series.step, pass.previous_at, origin.moment) as begun, pass.context, sum(pass.calls) as calls, sum(pass.exec_ms) as exec_ms
    from origin, _wedding_dbopt.context_sample as pass
    where context_series.step < interval '1 hour'
      and pass.at > context_series.since and pass.at <= context_series.until and pass.previous_at is not null
    group by 1, 2
    union all
    select hours.begun, hours.context, sum(hours.calls), sum(hours.exec_ms) from hours group by hours.begun, hours.context
  )
  select slot.begun, contexts.context, coalesce(load.calls, 0) / slot.minutes, load.exec_ms / nullif(load.calls, 0)
  from slot
  cross join _wedding_dbopt.contexts()
  left join load on load.begun = slot.begun and load.context = contexts.context
$$;
comment on function _wedding_dbopt.context_series(timestamptz, timestamptz, interval, text) is
  'Calls per minute and mean milliseconds of each business context in steps, for charts; a step without any collection pass is absent.';
