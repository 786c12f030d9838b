-- A figure is a ratio of sums over the window's steps (calls per hour, ms per call). Its error comes from how the steps of
-- the two windows differ from each other, place by place, so that a daily wave does not count as noise. Calls and
-- milliseconds are compared as ratios (their logarithms, by the delta method), because such a wave grows with them. What a step hands on
-- to the next makes them worth fewer (n_eff of an autoregressive series, whose coefficient is the mean over the contexts,
-- corrected for the bias of short series), and so do unequal weights. The error is at least what chance among the calls
-- alone would make. P-values are adjusted by Benjamini and Hochberg's method;
-- at 0.03, since errors of so few steps come out a little small: then one answer in twenty names a change that is chance.
create or replace function _wedding_dbopt.trend_tests(since timestamptz, until timestamptz, step interval, earlier timestamptz[])
returns table(earlier_since timestamptz, context text, metric text, value float8, value_before float8, sum_now float8, sum_before float8, hours float8, hours_before float8,
              margin float8, p_value float8, significant boolean, steps integer)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
#variable_conflict use_column
begin
  return query
  with side as (
    select trend_tests.since as start, true as later
    union all
    select distinct start, false from unnest(trend_tests.earlier) as start
  ), bucket as materialized (
    select side.start, side.later, load.*
    from side
    cross join (select _wedding_dbopt.window_length(trend_tests.since, trend_tests.until) as span) as length
    cross join lateral _wedding_dbopt.context_buckets(side.start, side.start + length.span, trend_tests.step) as load
  ), cell as (
    select bucket.start, bucket.later, bucket.bucket, bucket.hours, bucket.context, figure.metric, figure.part, figure.base, figure.squares, bucket.calls as weight
    from bucket
    cross join lateral (values ('calls', bucket.calls, bucket.hours, null), ('mean_ms', bucket.exec_ms, bucket.calls, bucket.exec_sq),
      ('cache_hit_percent', 100 * bucket.hit, bucket.hit + bucket.read, null),
      ('above_objective_percent', 100 * bucket.above, bucket.calls, 100 * 100 * bucket.above)) as figure(metric, part, base, squares)
    where figure.part is not null
  ), total as (
    select cell.start, cell.later, cell.context, cell.metric, sum(cell.part) as part, sum(cell.base) as base, sum(cell.hours) as hours, count(*) as n,
           sum(cell.part) / nullif(sum(cell.base), 0) as value,
           case when cell.metric = 'calls' then sum(cell.part) / sum(cell.base) ^ 2
                else coalesce(greatest(sum(cell.squares) / nullif(sum(cell.base), 0) - (sum(cell.part) / nullif(sum(cell.base), 0)) ^ 2, 0), 0)
                     / nullif(sum(cell.base), 0) end as least_variance,
           case when cell.metric in ('calls', 'mean_ms') then nullif(sum(cell.part), 0) / sum(cell.base) else 1 end as unit
    from cell group by cell.start, cell.later, cell.context, cell.metric
  ), residual as (
    select cell.start, cell.later, cell.bucket, cell.context, cell.metric, cell.weight, (cell.part - total.value * cell.base) * total.n / nullif(total.base, 0) / total.unit as off
    from cell join total using (start, context, metric)
  ), paired as (
    select past.start, context, metric, now.off - past.off as gap, now.weight + past.weight as weight,
           lag(now.off - past.off) over (partition by past.start, context, metric order by bucket) as gap_before
    from (select * from residual where residual.later) as now
    join (select * from residual where not residual.later) as past using (bucket, context, metric)
  ), spread as (
    select paired.start, paired.context, paired.metric, count(*)::integer as n, sum(paired.gap * paired.gap) as squares,
           sum(paired.weight) ^ 2 / nullif(sum(paired.weight * paired.weight), 0) as n_even,
           case when sum(paired.gap * paired.gap) > 1e-18 then sum(paired.gap * paired.gap_before) / sum(paired.gap * paired.gap) end as memory
    from paired group by paired.start, paired.context, paired.metric
  ), worth as (
    select spread.start, spread.metric, (1 - shared.memory) / (1 + shared.memory) as share
    from (select spread.start, spread.metric, avg(spread.memory) as memory, avg(spread.n_even) as n
          from spread group by spread.start, spread.metric) as spread
    cross join lateral (select greatest(least(coalesce(spread.memory, 0) + (1 + 4 * coalesce(spread.memory, 0)) / spread.n, 0.9), 0) as memory) as shared
  ), judged as (
    select earlier.start, context, metric, now.value, past.value as value_before, now.part, past.part as part_before, now.hours, past.hours as hours_before,
           spread.n, effective.n_eff,
           sqrt(greatest(spread.squares / nullif(spread.n - 1, 0) / (spread.n * worth.share), now.least_variance / now.unit ^ 2 + past.least_variance / past.unit ^ 2)) as error,
           case when metric in ('calls', 'mean_ms') then ln(now.unit / past.unit) else now.value - past.value end as change
    from (select side.start from side where not side.later) as earlier
    cross join (select distinct total.context, total.metric from total) as known
    left join (select total.context, total.metric, total.part, total.hours, total.value, total.least_variance, total.unit from total where total.later) as now using (context, metric)
    left join (select * from total where not total.later) as past using (start, context, metric)
    left join spread using (start, context, metric)
    left join worth using (start, metric)
    cross join lateral (select greatest(spread.n_even * worth.share, 2) as n_eff) as effective
  ), tested as (
    select judged.*,
           case when judged.n >= 6 and judged.change is not null then
             case when judged.error > 1e-12 then
                    _wedding_dbopt.student_p_value(judged.change / judged.error, judged.n_eff - 1)
                  when abs(judged.change) <= 1e-9 then 1 else 0 end end as p
    from judged
  ), ranked as (
    select tested.*, tested.n_eff - 1 as freedom, tested.p * count(tested.p) over (partition by tested.start) / row_number() over (partition by tested.start order by tested.p) as q from tested
  )
  select ranked.start, ranked.context, ranked.metric, ranked.value, ranked.value_before, ranked.part, ranked.part_before, ranked.hours, ranked.hours_before,
         ranked.error * (1.96 + 2.372 / ranked.freedom + 2.823 / ranked.freedom ^ 2 + 2.556 / ranked.freedom ^ 3), ranked.p,
         case when ranked.p is not null then min(ranked.q) over (partition by ranked.start order by ranked.p desc) <= 0.03 end, coalesce(ranked.n, 0)
  from ranked;
end $$;
comment on function _wedding_dbopt.trend_tests(timestamptz, timestamptz, interval, timestamptz[]) is
  'A window beside earlier ones of its length, which begin at the given times, per business context and figure: calls per hour, mean ms, percent of blocks found in cache, percent of calls above the objective; with the margin of the change (95 %, of calls and ms as a share, Student''s quantile by its Cornish-Fisher expansion), p-value and whether it is significant when all are looked at together. No p-value below six steps that both windows observed.';
