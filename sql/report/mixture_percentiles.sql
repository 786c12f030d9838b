-- A context is a mixture of statements. Those alike in mean and variation are taken together, which keeps their moments and
-- so the truth of the bounds. At each point of a grid (steps of 8 percent) the calls that took longer are bounded and
-- estimated; where their number crosses that of the percentile lie its bounds and its estimate.
create or replace function _wedding_dbopt.mixture_percentiles(contexts text[], calls bigint[], exec_ms float8[], exec_sq float8[])
returns table (context text, share float8, low float8, estimate float8, high float8)
language sql stable security invoker
set search_path = pg_catalog, pg_temp
set jit = off as $$
  with grouped as materialized (
    select w.context, sum(w.calls)::float8 as calls, sum(w.exec_ms) / sum(w.calls) as mean,
      greatest(sum(w.exec_sq) / sum(w.calls) - (sum(w.exec_ms) / sum(w.calls)) ^ 2, 0) as variance
    from (select w.context, w.calls, greatest(w.exec_ms, 1e-6::float8 * w.calls) as exec_ms, w.exec_sq
          from unnest(mixture_percentiles.contexts, mixture_percentiles.calls, mixture_percentiles.exec_ms, mixture_percentiles.exec_sq)
            as w (context, calls, exec_ms, exec_sq)) w
    group by w.context, round(4 * ln(w.exec_ms / w.calls)),
      round(2 * ln(1e-3 + greatest(w.exec_sq * w.calls / (w.exec_ms * w.exec_ms) - 1, 0)))
  ), whole as materialized (
    select g.context, row_number() over (order by g.context)::integer as place, sum(g.calls) as calls, floor(ln(min(g.mean) / 20) / 0.08)::integer as first_step,
      ceil(ln(100 * sum(g.calls * g.mean) / sum(g.calls)) / 0.08)::integer + 1 as last_step
    from grouped g group by g.context
  ), shaped as materialized (
    -- lognormal_z() of a point is a straight line in the logarithm of the point.
    select w.place, g.calls, g.mean, g.variance, 1 / sqrt(v.shape) as slope, (v.shape / 2 - ln(g.mean)) / sqrt(v.shape) as shift
    from grouped g join whole w using (context)
    cross join lateral (select ln(1 + 2e-7 + g.variance / (g.mean * g.mean)) as shape offset 0) v
  ), point as materialized (
    select w.place, 10000 * w.place + step - w.first_step as number, 0.08::float8 * step as ln_x, exp(0.08::float8 * step) as x
    from whole w cross join lateral generate_series(w.first_step, w.last_step) as step
  ), longer as materialized (
    select p.place, p.x, l.low, l.estimate, l.high
    from (
      select t.number, sum(_wedding_dbopt.calls_above_low(t.calls, t.mean, t.variance, t.x)) as low,
        sum(t.calls * _wedding_dbopt.normal_tail(t.z)) as estimate,
        sum(_wedding_dbopt.calls_above_high(t.calls, t.mean, t.variance, t.x)) as high
      from (select p.number, p.x, s.calls, s.mean, s.variance, s.slope * p.ln_x + s.shift as z
            from point p join shaped s using (place)
            offset 0) t  -- a fence: z is worked out once
      group by t.number) l
    join point p using (number)
  ), asked as (
    select w.context, w.place, q.share, w.calls - ceil(q.share * w.calls) as above, w.calls * (1 - q.share) as expected
    from whole w, (values (0.5::float8), (0.95), (0.99)) as q(share)
  )
  select b.context, b.share, b.low, least(greatest(b.estimate, b.low), b.high), b.high
  from (select a.context, a.share,
          coalesce(max(l.x) filter (where l.low > a.above), 0) as low,
          min(l.x) filter (where l.high <= a.above) as high,
          max(l.x) filter (where l.estimate >= a.expected) * exp(0.04) as estimate
        from asked a join longer l using (place)
        group by a.context, a.share) b
$$;
comment on function _wedding_dbopt.mixture_percentiles(text[], bigint[], float8[], float8[]) is
  'The 50th, 95th and 99th percentile of the durations in each business context, milliseconds, from the calls, sums and sums of squares of its statements: between low and high for certain, estimate by lognormal distributions.';
