create or replace function _wedding_dbopt.performance_impact(run_id bigint) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with judged as (
    -- A statement that several actions of the run touched counts once, with its latest judgement. The error of its change is read
    -- off its interval.
    select distinct on (verification.statement_id) verification.statement_id, verification.role, verification.judged_at, verification.after_calls,
           verification.time_change, coalesce(statement.context, 'other') as context, coalesce(importance.weight, 1)::float8 as weight,
           verification.after_calls * verification.before_ms as cost_ms,
           (verification.time_high - verification.time_low) / (2 * 1.96) as error
    from _wedding_dbopt.verification
    join _wedding_dbopt.action as deed on deed.id = verification.action_id
    join _wedding_dbopt.statement on statement.id = verification.statement_id
    left join _wedding_dbopt.criticality_weight as importance on importance.criticality = statement.criticality
    where deed.run_id = performance_impact.run_id and deed.state in ('verifying', 'kept')
      and verification.role in ('affected', 'written')
      and verification.time_change is not null and verification.before_ms > 0 and verification.after_calls > 0
    order by verification.statement_id, verification.judged_at desc, verification.action_id desc
  ), part as (
    select figure.name as figure, figure.context, figure.share, judged.after_calls, judged.time_change, judged.error
    from judged cross join lateral (values
      ('query_performance', null, case when judged.role = 'affected' then judged.cost_ms end),
      ('overall_score', null, judged.weight * judged.cost_ms), ('context', judged.context, judged.cost_ms)) as figure(name, context, share)
    where figure.share is not null
  ), gain as (
    select part.figure, part.context, sum(part.after_calls) as n, -100 * sum(part.share * part.time_change) / sum(part.share) as value,
           100 * 1.96 * sqrt(sum((part.share * part.error) ^ 2)) / sum(part.share) as reach
    from part group by part.figure, part.context
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
    select found.figure, found.n, found.change as value, found.low, found.high
    from span cross join lateral _wedding_dbopt.efficiency_change(span.before_until, span.after_since, span.length) as found
    where span.length > interval '0'
  ), measured as (
    select gain.figure, gain.context, gain.n, gain.value, gain.value - gain.reach as low, gain.value + gain.reach as high, 'calls' as counted from gain
    union all
    select efficiency.figure, null, efficiency.n, efficiency.value, efficiency.low, efficiency.high, 'slices of time' from efficiency
  ), told as (
    select measured.*, round(measured.value::numeric, 2) as rounded,
           jsonb_build_object('value', round(measured.value::numeric, 2), 'low', round(measured.low::numeric, 2), 'high', round(measured.high::numeric, 2),
             'n', measured.n, 'counted', measured.counted,
             'verdict', case when measured.value is null then 'not measured' when measured.low is null then 'too few data for an interval'
                             when measured.low > 0 then 'improved' when measured.high < 0 then 'worse' else 'no change that is certain' end) as evidence
    from measured
  ), per_context as (
    select jsonb_object_agg(known.context, told.rounded order by known.place) as gains,
           jsonb_object_agg(known.context, told.evidence order by known.place) filter (where told.evidence is not null) as evidence
    from _wedding_dbopt.contexts() as known
    left join told on told.figure = 'context' and told.context = known.context
    where known.context <> 'other' or told.rounded is not null
  ), figure as (
    select jsonb_object_agg(known.name || '_improvement', told.rounded) as gains,
           jsonb_object_agg(known.name || '_improvement', told.evidence) filter (where told.evidence is not null) as evidence,
           jsonb_object_agg(known.name || '_improvement', known.excuse) filter (where told.rounded is null) as reasons
    from (values ('query_performance', 'no statement served by a change still in place has been judged with enough calls'),
                 ('overall_score', 'no statement touched by a change still in place has been judged with enough calls'),
                 ('index_hit_ratio', 'no index samples just before and just after the changes'),
                 ('connection_efficiency', 'no connection and statement samples just before and just after the changes')) as known(name, excuse)
    left join told on told.figure = known.name
  )
  select figure.gains || jsonb_build_object(
    'wedding_specific_improvements', per_context.gains,
    'evidence', coalesce(figure.evidence, '{}') || jsonb_build_object('wedding_specific_improvements', coalesce(per_context.evidence, '{}')),
    'basis', (select jsonb_build_object('statements', count(*), 'calls', sum(judged.after_calls), 'judged_at', max(judged.judged_at),
                'unit', 'percent of the time per call, index_hit_ratio in percentage points', 'interval', '95 percent', 'method', 'measured') from judged),
    'reasons', coalesce(figure.reasons, '{}'))
  from figure cross join per_context
$$;
comment on function _wedding_dbopt.performance_impact(bigint) is
  'What the changes of a tuning run that are still in place brought, measured only, in percent less time per call (weighted with the calls after the change); overall also counts the statements that write and weighs by criticality. evidence holds n, interval (95 %) and verdict of each figure. What was not measured is null and has its reason.';
