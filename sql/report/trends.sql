create or replace function _wedding_dbopt.trends(since timestamptz, until timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with compared(name, back, place) as (
    values ('previous_window', trends.until - trends.since, 1), ('day_ago', interval '1 day', 2), ('week_ago', interval '7 days', 3)
  ), period as (
    select distinct trends.since - compared.back as since, trends.until - compared.back as until, compared.back
    from compared
    where compared.back >= trends.until - trends.since
  ), history as (
    select min(first_seen) as since from _wedding_dbopt.statement
  ), current as materialized (
    select * from _wedding_dbopt.context_sum(trends.since, trends.until)
  ), earlier as materialized (
    select period.back, summed.*
    from period cross join lateral _wedding_dbopt.context_sum(period.since, period.until) as summed
  ), change as (
    select compared.name, compared.place, compared.back, names.context,
           coalesce(current.calls, 0) as calls, current.mean_ms, current.cache_hit_percent,
           earlier.calls as earlier_calls, earlier.mean_ms as earlier_ms, earlier.cache_hit_percent as earlier_hit,
           compared.back >= trends.until - trends.since as apart,
           history.since <= trends.since - compared.back + (trends.until - trends.since) * 0.1 as covered
    from compared
    cross join (select contexts.context from _wedding_dbopt.contexts() union all select 'all') as names
    cross join history
    left join current on current.context = names.context
    left join earlier on earlier.back = compared.back and earlier.context = names.context
  ), described as (
    select change.name, change.place, change.back, bool_and(change.apart) as apart,
           jsonb_object_agg(change.context, jsonb_build_object(
             'calls', change.calls, 'calls_before', change.earlier_calls,
             'calls_change_percent', case when change.covered
               then round(100.0 * (change.calls::numeric / nullif(change.earlier_calls, 0) - 1), 2) end,
             'mean_ms', round(change.mean_ms::numeric, 6), 'mean_ms_before', round(change.earlier_ms::numeric, 6),
             'mean_ms_change_percent', round((100 * (change.mean_ms / nullif(change.earlier_ms, 0) - 1))::numeric, 2),
             'cache_hit_percent', round(change.cache_hit_percent::numeric, 2),
             'cache_hit_change_points', round((change.cache_hit_percent - change.earlier_hit)::numeric, 2),
             'reason', case when change.earlier_calls is null then 'no calls in the window compared with'
                            when change.calls = 0 then 'no calls in this window'
                            when not change.covered then 'history begins inside the window compared with: numbers of calls are not comparable' end))
             as figures
    from change group by change.name, change.place, change.back
  )
  select jsonb_build_object('since', trends.since, 'until', trends.until) || jsonb_object_agg(described.name,
           case when described.apart
                then jsonb_build_object('since', trends.since - described.back, 'until', trends.until - described.back) || described.figures
                else jsonb_build_object('reason', 'the window is longer than the step back, the two would overlap') end)
  from described
$$;
comment on function _wedding_dbopt.trends(timestamptz, timestamptz) is
  'A window against the one before it, the same a day ago and the same a week ago: changes in percent (cache hits in points), all and per business context; null with a reason where there is nothing to compare.';
