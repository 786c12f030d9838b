create or replace function _wedding_dbopt.performance_impact(run_id bigint) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with judged as (
    -- A statement that several actions of the run touched counts once, with its latest judgement.
    select distinct on (verification.statement_id) verification.*,
           coalesce(statement.context, 'other') as context, coalesce(importance.weight, 1) as weight,
           verification.after_calls * verification.before_ms as cost_ms
    from _wedding_dbopt.verification
    join _wedding_dbopt.action as deed on deed.id = verification.action_id
    join _wedding_dbopt.statement on statement.id = verification.statement_id
    left join _wedding_dbopt.criticality_weight as importance on importance.criticality = statement.criticality
    where deed.run_id = performance_impact.run_id and deed.state in ('verifying', 'kept')
      and verification.role in ('affected', 'written')
      and verification.time_change is not null and verification.before_ms > 0 and verification.after_calls > 0
    order by verification.statement_id, verification.judged_at desc, verification.action_id desc
  ), measured as (
    select count(*) as statements, sum(judged.after_calls) as calls, max(judged.judged_at) as judged_at,
           -100 * sum(judged.cost_ms * judged.time_change) filter (where judged.role = 'affected')
             / sum(judged.cost_ms) filter (where judged.role = 'affected') as query_gain,
           -100 * sum(judged.weight::float8 * judged.cost_ms * judged.time_change)
             / sum(judged.weight::float8 * judged.cost_ms) as overall_gain
    from judged
  ), per_context as (
    select jsonb_object_agg(known.context, round(gain.value::numeric, 2) order by known.place) as gains
    from _wedding_dbopt.contexts() as known
    left join (
      select judged.context, -100 * sum(judged.cost_ms * judged.time_change) / sum(judged.cost_ms) as value
      from judged group by judged.context) as gain on gain.context = known.context
    where known.context <> 'other' or gain.value is not null
  ), span as (
    -- Equal windows before the first deed and after the last, at most an hour each.
    select min(coalesce(deed.started_at, deed.applied_at)) as before_until, max(deed.applied_at) as after_since,
           least(interval '1 hour', max(coalesce(deed.finished_at, verdict.judged_at)) - max(deed.applied_at)) as length
    from _wedding_dbopt.action as deed
    left join lateral (
      select max(verification.judged_at) as judged_at
      from _wedding_dbopt.verification where verification.action_id = deed.id) as verdict on true
    where deed.run_id = performance_impact.run_id and deed.applied_at is not null
  ), efficiency as (
    select before.index_hit_percent as hit_before, after.index_hit_percent as hit_after,
           before.calls_per_connection as calls_before, after.calls_per_connection as calls_after
    from span
    cross join lateral _wedding_dbopt.resource_efficiency(span.before_until - span.length, span.before_until) as before
    cross join lateral _wedding_dbopt.resource_efficiency(span.after_since, span.after_since + span.length) as after
  )
  select jsonb_build_object(
    'query_performance_improvement', round(measured.query_gain::numeric, 2),
    'index_hit_ratio_improvement', round((efficiency.hit_after - efficiency.hit_before)::numeric, 2),
    'connection_efficiency_improvement', round((100 * (efficiency.calls_after / efficiency.calls_before - 1))::numeric, 2),
    'wedding_specific_improvements', per_context.gains,
    'overall_score_improvement', round(measured.overall_gain::numeric, 2),
    'basis', jsonb_build_object('statements', measured.statements, 'calls', measured.calls, 'judged_at', measured.judged_at,
               'unit', 'percent of the time per call, index_hit_ratio in percentage points', 'method', 'measured'),
    'reasons', jsonb_strip_nulls(jsonb_build_object(
      'query_performance_improvement',
        case when measured.query_gain is null then 'no statement served by a change still in place has been judged with enough calls' end,
      'overall_score_improvement',
        case when measured.overall_gain is null then 'no statement touched by a change still in place has been judged with enough calls' end,
      'index_hit_ratio_improvement',
        case when efficiency.hit_after - efficiency.hit_before is null
             then 'no index samples just before and just after the changes' end,
      'connection_efficiency_improvement',
        case when efficiency.calls_after / efficiency.calls_before is null
             then 'no connection and statement samples just before and just after the changes' end)))
  from measured cross join per_context left join efficiency on true
$$;
comment on function _wedding_dbopt.performance_impact(bigint) is
  'What the changes of a tuning run that are still in place brought, measured only, in percent less time per call (weighted with the calls after the change); overall also counts the statements that write and weighs by criticality. What was not measured is null and has its reason.';
