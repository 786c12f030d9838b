create or replace function _wedding_dbopt.sample_surges(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  -- The clock may give two passes the same time: the earlier one is judged.
  before constant timestamptz := (select min(s.previous_at) from _wedding_dbopt.statement_sample s where s.at = sample_surges.at);
begin
  if before is null or before >= sample_surges.at then  -- the first pass has nothing to compare with
    return;
  end if;
  with ran as materialized (
    select c.context, c.calls::float8 as calls from _wedding_dbopt.context_sample c where c.at = sample_surges.at
  ), load as (
    select known.context, coalesce((select ran.calls from ran where ran.context = known.context), 0) as calls
    from _wedding_dbopt.contexts() known
    union all
    select 'all', coalesce((select sum(ran.calls) from ran), 0)
  ), stepped as materialized (
    select load.context, open.id as surge_id, step.now
    from load
    cross join lateral _wedding_dbopt.expected_pass(load.context, before, sample_surges.at) expected
    left join _wedding_dbopt.surge_state state on state.context = load.context
      and not _wedding_dbopt.clock_was_ahead(state.at, sample_surges.at)
    left join _wedding_dbopt.surge open on open.context = load.context and open.ended_at is null
    cross join lateral (
      select _wedding_dbopt.surge_step(state, sample_surges.at, extract(epoch from sample_surges.at - before)::float8 / 60, load.calls, expected.calls_per_minute,
                                       expected.fitted_at, expected.history_days) as now offset 0) step
    where state.at is null or state.at < sample_surges.at
  ), opened as (
    insert into _wedding_dbopt.surge (context, began_at, detected_at, factor, usual, basis)
    select stepped.context, (stepped.now).surge_since, sample_surges.at, (stepped.now).factor, (stepped.now).usual, (stepped.now).basis
    from stepped where stepped.surge_id is null and (stepped.now).surge_since is not null
  ), changed as (
    update _wedding_dbopt.surge s
    set ended_at = case when (stepped.now).surge_since is null then sample_surges.at end,
        factor = greatest(s.factor, (stepped.now).factor)
    from stepped
    where s.id = stepped.surge_id and ((stepped.now).surge_since is null or (stepped.now).factor > 1.1 * s.factor)
  )
  insert into _wedding_dbopt.surge_state as t
  select stepped.context, (stepped.now).at, (stepped.now).fitted_at, (stepped.now).own_calls, (stepped.now).own_minutes,
    (stepped.now).fast_calls, (stepped.now).fast_expected, (stepped.now).slow_calls, (stepped.now).slow_expected,
    (stepped.now).spread, (stepped.now).spread_weight, (stepped.now).now_calls, (stepped.now).now_usual, (stepped.now).evidence,
    (stepped.now).began_at, (stepped.now).surge_since, (stepped.now).factor, (stepped.now).usual, (stepped.now).calls_per_minute,
    (stepped.now).basis
  from stepped
  on conflict (context) do update set (at, fitted_at, own_calls, own_minutes, fast_calls, fast_expected, slow_calls, slow_expected,
      spread, spread_weight, now_calls, now_usual, evidence, began_at, surge_since, factor, usual, calls_per_minute, basis)
    = row (excluded.at, excluded.fitted_at, excluded.own_calls, excluded.own_minutes, excluded.fast_calls, excluded.fast_expected,
      excluded.slow_calls, excluded.slow_expected, excluded.spread, excluded.spread_weight, excluded.now_calls, excluded.now_usual,
      excluded.evidence, excluded.began_at, excluded.surge_since, excluded.factor, excluded.usual, excluded.calls_per_minute, excluded.basis);
end $$;
comment on function _wedding_dbopt.sample_surges(timestamptz) is
  'Compares the pass that was just taken with the expected load of each context, and records where a surge begins or ends.';
