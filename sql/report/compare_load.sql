-- Thousands of statements are tested at once, so p-values are adjusted (Y. Benjamini and Y. Hochberg, Controlling the false
-- discovery rate, Journal of the Royal Statistical Society B 57 (1995)): of the changes called significant one in twenty
-- may be chance. Statements and contexts, and each kind of figure, are adjusted apart.
create or replace function _wedding_dbopt.compare_load(before _wedding_dbopt.baseline, after _wedding_dbopt.baseline)
returns table(statement_id integer, context text, calls_before bigint, calls_after bigint, ms_per_hour_before float8, ms_per_hour_after float8,
  calls_per_hour_before float8, calls_per_hour_after float8, calls_change float8, calls_significant boolean,
  mean_before float8, mean_after float8, mean_change float8, mean_margin float8, mean_p_value float8, mean_significant boolean,
  blocks_before float8, blocks_after float8, blocks_change float8, blocks_significant boolean,
  cache_hit_before float8, cache_hit_after float8, objective_ms numeric, met_before boolean, met_after boolean, reason text)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
declare
  hours_before constant float8 := extract(epoch from before.until - before.since) / 3600;
  hours_after  constant float8 := extract(epoch from after.until - after.since) / 3600;
  min_calls    constant bigint := _wedding_dbopt.setting_value('verification_min_calls')::bigint;
  min_change   constant float8 := _wedding_dbopt.setting_value('baseline_min_change')::float8;
  false_discoveries constant float8 := 0.05;
  hopeless     constant float8 := 1.95;  -- normal deviates that chance exceeds in more than false_discoveries, and Student's with it
begin
  return query
  with pair as (
    select coalesce(a.statement_id, b.statement_id) as statement_id, coalesce(a.context, b.context) as context,
           b.calls as calls_b, a.calls as calls_a, b.exec_ms / hours_before as load_b, a.exec_ms / hours_after as load_a,
           b.calls / hours_before as rate_b, a.calls / hours_after as rate_a, b.rate_error as rate_error_b, a.rate_error as rate_error_a,
           b.rate_slices as rate_slices_b, a.rate_slices as rate_slices_a,
           b.exec_ms / b.calls as mean_b, a.exec_ms / a.calls as mean_a, b.mean_error as mean_error_b, a.mean_error as mean_error_a,
           (b.hit + b.read)::float8 / b.calls as blocks_b, (a.hit + a.read)::float8 / a.calls as blocks_a,
           b.blocks_error as blocks_error_b, a.blocks_error as blocks_error_a, b.slices as slices_b, a.slices as slices_a,
           100.0::float8 * b.hit / nullif(b.hit + b.read, 0) as hit_b, 100.0::float8 * a.hit / nullif(a.hit + a.read, 0) as hit_a,
           coalesce(a.objective_ms, b.objective_ms) as objective_ms, b.objective_met as met_b, a.objective_met as met_a,
           case when b.calls is null then 'not in the baseline before' when a.calls is null then 'not in the one after'
                when least(b.calls, a.calls) < min_calls then format('fewer than %s calls on a side', min_calls)
                when least(b.slices, a.slices) < 4 then 'the calls lie too close together to tell how much they vary' end as reason
    from _wedding_dbopt.baseline_load(before) as b
    full join _wedding_dbopt.baseline_load(after) as a
      on coalesce(a.statement_id, 0) = coalesce(b.statement_id, 0) and coalesce(a.context, '') = coalesce(b.context, '')
    offset 0  -- a fence: what is worked out here is not worked out again where it is used
  ), tested as materialized (
    select pair.*,
           case when pair.reason is null and least(pair.rate_slices_b, pair.rate_slices_a) >= 4 then
             _wedding_dbopt.welch_p_value(pair.rate_b, pair.rate_error_b, pair.rate_slices_b, pair.rate_a, pair.rate_error_a, pair.rate_slices_a, hopeless) end as rate_p,
           case when pair.reason is null then
             _wedding_dbopt.welch_p_value(pair.mean_b, pair.mean_error_b, pair.slices_b, pair.mean_a, pair.mean_error_a, pair.slices_a) end as mean_p,
           case when pair.reason is null then
             _wedding_dbopt.welch_p_value(pair.blocks_b, pair.blocks_error_b, pair.slices_b, pair.blocks_a, pair.blocks_error_a, pair.slices_a, hopeless) end as blocks_p
    from pair
  ), counted as (
    select tested.statement_id is null as of_contexts, count(tested.rate_p) as rates, count(tested.mean_p) as means, count(tested.blocks_p) as blocks
    from tested group by 1
  ), small as (
    -- No p-value above the rate of false discoveries can pass, so only those below are ranked.
    select tested.statement_id is null as of_contexts, figure.name, figure.p,
           row_number() over (partition by tested.statement_id is null, figure.name order by figure.p) as place
    from tested cross join lateral (values ('rate', tested.rate_p), ('mean', tested.mean_p), ('blocks', tested.blocks_p)) as figure(name, p)
    where figure.p <= false_discoveries
  ), bound as (
    -- The greatest p-value that passes at its rank; all smaller ones pass with it.
    select small.of_contexts,
           max(small.p) filter (where small.name = 'rate' and small.p * counted.rates / small.place <= false_discoveries) as rate_p,
           max(small.p) filter (where small.name = 'mean' and small.p * counted.means / small.place <= false_discoveries) as mean_p,
           max(small.p) filter (where small.name = 'blocks' and small.p * counted.blocks / small.place <= false_discoveries) as blocks_p
    from small join counted on counted.of_contexts = small.of_contexts
    group by small.of_contexts
  ), adjusted as (
    select tested.*, coalesce(tested.rate_p <= bound.rate_p, false) as rate_sure, coalesce(tested.mean_p <= bound.mean_p, false) as mean_sure,
           coalesce(tested.blocks_p <= bound.blocks_p, false) as blocks_sure,
           tested.rate_a / tested.rate_b - 1 as rate_change,
           tested.mean_a / nullif(tested.mean_b, 0) - 1 as mean_change,
           case when tested.blocks_a = tested.blocks_b then 0 else tested.blocks_a / nullif(tested.blocks_b, 0) - 1 end as blocks_change
    from tested left join bound on bound.of_contexts = (tested.statement_id is null)
  )
  select adjusted.statement_id, adjusted.context, adjusted.calls_b, adjusted.calls_a, coalesce(adjusted.load_b, 0), coalesce(adjusted.load_a, 0),
         coalesce(adjusted.rate_b, 0), coalesce(adjusted.rate_a, 0), adjusted.rate_change,
         case when adjusted.rate_p is not null then adjusted.rate_sure and abs(adjusted.rate_change) >= min_change end,
         adjusted.mean_b, adjusted.mean_a, adjusted.mean_change,
         case when adjusted.mean_p is not null then 2 * sqrt(adjusted.mean_error_b ^ 2 + adjusted.mean_error_a ^ 2) / nullif(adjusted.mean_b, 0) end,
         adjusted.mean_p,
         case when adjusted.mean_p is not null then adjusted.mean_sure and abs(adjusted.mean_change) >= min_change end,
         adjusted.blocks_b, adjusted.blocks_a, adjusted.blocks_change,
         case when adjusted.blocks_p is not null then adjusted.blocks_sure and coalesce(abs(adjusted.blocks_change) >= min_change, true) end,
         adjusted.hit_b, adjusted.hit_a, adjusted.objective_ms, adjusted.met_b, adjusted.met_a, adjusted.reason
  from adjusted;
end $$;
comment on function _wedding_dbopt.compare_load(_wedding_dbopt.baseline, _wedding_dbopt.baseline) is
  'Two baselines side by side, per statement and per context: changes as shares, whether they are significant (Welch''s test between slices of time, Benjamini-Hochberg at 0.05, at least the share baseline_min_change), and why there is no verdict.';
