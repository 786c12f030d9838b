-- An hour h stands for the passes in (h, h + 1 hour]. Steps of an hour or more take whole hours from the roll-up and the
-- edges from the passes; where the passes are gone an hour counts if it begins inside the window.
create or replace function _wedding_dbopt.context_buckets(since timestamptz, until timestamptz, step interval)
returns table(bucket integer, hours float8, context text, calls float8, exec_ms float8, exec_sq float8, hit float8, read float8, above float8)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  raw_from constant timestamptz := coalesce((select min(pass.at) from _wedding_dbopt.statement_sample as pass), 'infinity');
  coarse   constant boolean := context_buckets.step >= interval '1 hour';
  origin   constant timestamptz := case when coarse then date_trunc('hour', context_buckets.since, 'UTC') else context_buckets.since end;
  seconds  constant float8 := extract(epoch from context_buckets.step);
begin
  return query
  with hour as materialized (
    select rolled.hour as moment, rolled.observed_s
    from _wedding_dbopt.rolled_hour as rolled
    where rolled.hour >= context_buckets.since and rolled.hour < context_buckets.until
      and (rolled.hour + interval '1 hour' <= raw_from or coarse and rolled.hour + interval '1 hour' <= context_buckets.until)
  ), pass as materialized (
    select sample.at, case when coarse then slot.hour else sample.at - interval '1 microsecond' end as moment,
           extract(epoch from sample.at - sample.previous_at)::float8 as observed_s
    from _wedding_dbopt.statement_sample as sample
    cross join lateral (select date_trunc('hour', sample.at - interval '1 microsecond', 'UTC') as hour) as slot
    where sample.at > context_buckets.since and sample.at <= context_buckets.until
      and slot.hour not in (select hour.moment from hour)
  ), observed as (
    select floor(extract(epoch from seen.moment - origin)::float8 / seconds)::integer as bucket, sum(seen.observed_s) / 3600 as hours
    from (select hour.moment, hour.observed_s from hour union all select pass.moment, pass.observed_s from pass) as seen
    group by 1
  ), load as (
    select floor(extract(epoch from used.moment - origin)::float8 / seconds)::integer as bucket, coalesce(used.context, 'all') as context,
           sum(used.calls)::float8 as calls, sum(used.exec_ms) as exec_ms, sum(used.exec_sq) as exec_sq,
           sum(used.hit)::float8 as hit, sum(used.read)::float8 as read, sum(used.above) as above
    from (
      select hour.moment, stored.context, stored.calls, stored.exec_ms, stored.exec_sq, stored.hit, stored.read, stored.above
      from hour join _wedding_dbopt.context_hour as stored on stored.hour = hour.moment
      union all
      select pass.moment, stored.context, stored.calls, stored.exec_ms, stored.exec_sq, stored.hit, stored.read, stored.above
      from pass join _wedding_dbopt.context_sample as stored on stored.at = pass.at
      where stored.at > context_buckets.since and stored.at <= context_buckets.until) as used
    group by grouping sets ((1, used.context), (1))
  )
  select observed.bucket, observed.hours, known.context, coalesce(load.calls, 0), coalesce(load.exec_ms, 0), coalesce(load.exec_sq, 0),
         coalesce(load.hit, 0), coalesce(load.read, 0), case when known.context <> 'all' then coalesce(load.above, case when load.calls is null then 0 end) end
  from observed
  cross join (select contexts.context from _wedding_dbopt.contexts() union all select 'all') as known
  left join load on load.bucket = observed.bucket and load.context = known.context
  where observed.hours > 0;
end $$;
comment on function _wedding_dbopt.context_buckets(timestamptz, timestamptz, interval) is
  'A window in steps: the hours observed in each, and what each business context and all together did in it; without calls zero. above is the estimated number of calls slower than the objective.';
