create or replace function wedding_dbopt.get_error_budgets(period interval default '30 days', at timestamptz default now())
returns table (context text, objective_ms numeric, target_percent numeric, calls bigint, observed interval,
               attainment_percent numeric, attainment_low numeric, attainment_high numeric,
               budget_calls numeric, spent_calls numeric, spent_low bigint, spent_high bigint, left_calls numeric, left_percent numeric, left_percent_low numeric, left_percent_high numeric,
               burn_5m numeric, burn_1h numeric, burn_6h numeric, burn_3d numeric, gone_in interval, state text)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  select _wedding_dbopt.require(get_error_budgets.period between interval '1 hour' and interval '400 days', 'period must be between an hour and 400 days', 'For example ''30 days''.');
  with goal as (
    select o.context, o.latency_ms, o.success_target, 1 - o.success_target as allowed from _wedding_dbopt.objective o
  ), spent as (
    select h.context, sum(h.calls)::numeric as calls, sum(h.above)::numeric as above, sum(h.above_low)::numeric as low, sum(h.above_high)::numeric as high,
      -- The first hour was seen from the first pass on.
      get_error_budgets.at - greatest(min(h.hour), (select min(s.previous_at) from _wedding_dbopt.statement_sample s
                                                    where s.previous_at < min(h.hour) + interval '1 hour')) as observed
    from _wedding_dbopt.context_hours(get_error_budgets.at - get_error_budgets.period, get_error_budgets.at) h
    where h.above is not null group by h.context
  ), burn as (
    select w.context, max(w.above / w.calls) filter (where w.span = '5m') as m5, max(w.above / w.calls) filter (where w.span = '1h') as h1,
      max(w.above / w.calls) filter (where w.span = '6h') as h6, max(w.above / w.calls) filter (where w.span = '3d') as d3,
      max(w.above) filter (where w.span = '1h') as above_1h
    from _wedding_dbopt.context_windows(get_error_budgets.at) w group by w.context
  ), budget as (
    select g.*, s.calls, s.above, s.low, s.high, least(s.observed, get_error_budgets.period) as observed, s.calls * g.allowed as budget,
      b.m5::numeric / nullif(g.allowed, 0) as burn_5m, b.h1::numeric / nullif(g.allowed, 0) as burn_1h, b.h6::numeric / nullif(g.allowed, 0) as burn_6h, b.d3::numeric / nullif(g.allowed, 0) as burn_3d,
      b.above_1h::numeric as above_1h
    from goal g left join spent s using (context) left join burn b using (context)
  )
  select b.context, b.latency_ms, trim_scale(100 * b.success_target), coalesce(b.calls, 0)::bigint, b.observed,
    round(100 * (1 - b.above / b.calls), 4), round(100 * (1 - b.high / b.calls), 4), round(100 * (1 - b.low / b.calls), 4),
    round(b.budget, 2), round(b.above, 2), b.low::bigint, b.high::bigint, round(b.budget - b.above, 2),
    round(100 * (1 - b.above / nullif(b.budget, 0)), 2), round(100 * (1 - b.high / nullif(b.budget, 0)), 2), round(100 * (1 - b.low / nullif(b.budget, 0)), 2),
    round(b.burn_5m, 2), round(b.burn_1h, 2), round(b.burn_6h, 2), round(b.burn_3d, 2),
    -- The budget grows with the calls, so only what burns faster than that ends.
    case when b.above >= b.budget then interval '0'
         when b.burn_1h > 1 then least((b.budget - b.above) / (b.above_1h * (1 - 1 / b.burn_1h)), 87600) * interval '1 hour' end,
    case when b.calls is null then 'no calls'
         when b.burn_5m >= 14.4 and b.burn_1h >= 14.4 then 'burning fast'
         when b.above >= b.budget then 'spent'
         when b.burn_6h >= 1 and b.burn_3d >= 1 then 'burning slowly' else 'within budget' end
  from budget b join _wedding_dbopt.contexts() c on c.context = b.context
  order by c.place;
$$;
comment on function wedding_dbopt.get_error_budgets(interval, timestamptz) is
  'How much of its error budget (the calls that may be slower than the objective) each business context has spent in the period. The estimates lie between _low and _high for certain. burn_1h = 2 means that slow calls come twice as fast as the target allows; gone_in is how long the rest lasts at the pace of the last hour (null = it lasts).';
