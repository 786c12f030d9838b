create or replace function _wedding_dbopt.trends(since timestamptz, until timestamptz) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  span constant interval := _wedding_dbopt.window_length(trends.since, trends.until);
  zone constant text := _wedding_dbopt.setting_value('time_zone');
  -- From twelve to thirty steps: enough to tell how much they vary, long enough to forget each other.
  step constant interval := case when span <= interval '3 hours' then interval '5 minutes' when span <= interval '30 hours' then interval '1 hour'
    when span <= interval '8 days' then interval '6 hours' when span <= interval '40 days' then interval '1 day' else interval '3 days' end;
  result jsonb;
begin
  with compared as materialized (
    -- The year has 52 weeks here, so that a Saturday is compared with a Saturday. Days are those of the time zone.
    select named.name, coalesce((trends.since at time zone zone - named.back) at time zone zone, trends.since - span) as since,
           coalesce(named.back, span) >= span as apart
    from (values ('previous_window', null::interval), ('day_ago', interval '1 day'), ('week_ago', interval '7 days'), ('year_ago', interval '364 days')) as named(name, back)
  ), tested as materialized (
    select * from _wedding_dbopt.trend_tests(trends.since, trends.until, step,
      array(select compared.since from compared where compared.apart))
  ), change as (
    select compared.name, known.context, calls.hours_before >= 0.9 * calls.hours as covered,
           coalesce(calls.sum_now, 0) as calls, nullif(calls.sum_before, 0) as calls_before, calls.value as rate, calls.value_before as rate_before,
           calls.margin as rate_margin, calls.significant as rate_significant, mean.value as mean, mean.value_before as mean_before,
           mean.margin as mean_margin, mean.significant as mean_significant, hit.value as hit, hit.value_before as hit_before, hit.margin as hit_margin,
           hit.significant as hit_significant, above.value as above, above.value_before as above_before, above.margin as above_margin,
           above.significant as above_significant, calls.steps
    from compared
    cross join (select contexts.context from _wedding_dbopt.contexts() union all select 'all') as known
    left join tested as calls on calls.earlier_since = compared.since and calls.context = known.context and calls.metric = 'calls'
    left join tested as mean on mean.earlier_since = compared.since and mean.context = known.context and mean.metric = 'mean_ms'
    left join tested as hit on hit.earlier_since = compared.since and hit.context = known.context and hit.metric = 'cache_hit_percent'
    left join tested as above on above.earlier_since = compared.since and above.context = known.context and above.metric = 'above_objective_percent'
    where compared.apart
  ), described as (
    select change.name, jsonb_object_agg(change.context, jsonb_build_object(
             'calls', change.calls, 'calls_before', change.calls_before,
             'calls_per_hour', round(change.rate::numeric, 2), 'calls_per_hour_before', round(change.rate_before::numeric, 2),
             'calls_change_percent', case when change.covered then round((100 * (change.rate / nullif(change.rate_before, 0) - 1))::numeric, 2) end,
             'calls_margin_percent', case when change.covered then round((100 * change.rate_margin * change.rate / nullif(change.rate_before, 0))::numeric, 2) end,
             'calls_significant', case when change.covered and change.rate_before > 0 then change.rate_significant end,
             'mean_ms', round(change.mean::numeric, 6), 'mean_ms_before', round(change.mean_before::numeric, 6),
             'mean_ms_change_percent', round((100 * (change.mean / nullif(change.mean_before, 0) - 1))::numeric, 2),
             'mean_ms_margin_percent', round((100 * change.mean_margin * change.mean / nullif(change.mean_before, 0))::numeric, 2),
             'mean_ms_significant', change.mean_significant,
             'cache_hit_percent', round(change.hit::numeric, 2), 'cache_hit_percent_before', round(change.hit_before::numeric, 2),
             'cache_hit_change_points', round((change.hit - change.hit_before)::numeric, 2),
             'cache_hit_margin_points', round((change.hit_margin)::numeric, 2), 'cache_hit_significant', change.hit_significant,
             'above_objective_percent', round(change.above::numeric, 3), 'above_objective_percent_before', round(change.above_before::numeric, 3),
             'above_objective_change_points', round((change.above - change.above_before)::numeric, 3),
             'above_objective_margin_points', round(change.above_margin::numeric, 3),
             'above_objective_significant', change.above_significant,
             'reason', case when change.calls_before is null then 'no calls in the window compared with'
                            when change.calls = 0 then 'no calls in this window'
                            when not change.covered then 'history begins inside the window compared with: numbers of calls are not comparable'
                            when coalesce(change.steps, 0) < 6 then 'too few steps are known to tell a change from chance' end)) as figures
    from change group by change.name
  )
  select jsonb_build_object('since', trends.since, 'until', trends.until, 'step', step) || jsonb_object_agg(compared.name,
           case when compared.apart
                then jsonb_build_object('since', compared.since, 'until', compared.since + span) || described.figures
                else jsonb_build_object('reason', 'the window is longer than the step back, the two would overlap') end)
  into result
  from compared left join described on described.name = compared.name;
  return result;
end $$;
comment on function _wedding_dbopt.trends(timestamptz, timestamptz) is
  'A window against the one before it and the same hours a day, a week and a year (52 weeks) ago, all and per business context: changes of calls per hour and mean ms in percent, of cache hits and calls above the objective in points, with margins (95 %), and whether they are significant; null with a reason where there is nothing to compare.';
