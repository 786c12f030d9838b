-- A recommendation keeps what was stated before any correction, so that a correction is never learned from itself. Ten imaginary
-- past actions whose estimate was right stand beside the real ones: a few real ones change little. What somebody undid by hand
-- says nothing of the estimate.
create or replace function _wedding_dbopt.calibration()
returns table (action_type text, proof text, actions bigint, kept bigint, stated_confidence numeric, median_estimate numeric, median_measured numeric,
               median_ratio numeric, ratio_spread numeric, estimate_factor numeric, confidence_factor numeric)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with judged as (
    select a.action_type, coalesce(r.proof, 'none') as proof, starts_with(a.verdict, 'kept:') as good,
           coalesce(r.stated_confidence, r.confidence) as stated_confidence, a.measured_impact as measured,
           nullif(greatest(coalesce(r.stated_improvement, a.estimated_impact), 0), 0) as estimate
    from _wedding_dbopt.action a join _wedding_dbopt.recommendation r on r.id = a.recommendation_id
    where a.judgement is not null and (starts_with(a.verdict, 'kept:') or starts_with(a.verdict, 'rolled_back:'))
      and a.state in ('kept', 'rolled_back')
  ), held as (
    select j.*, case when j.estimate > 0 and j.measured is not null then greatest(least(j.measured / j.estimate, 3), -1) end as ratio from judged j
  ), median as (
    select h.action_type, h.proof, count(*) as n, count(*) filter (where h.good) as good, count(h.ratio) as with_ratio,
           avg(h.stated_confidence) as stated_confidence,
           percentile_cont(0.5) within group (order by h.estimate) as estimate,
           percentile_cont(0.5) within group (order by h.measured) as measured,
           percentile_cont(0.5) within group (order by h.ratio) as ratio
    from held h group by h.action_type, h.proof
  )
  select m.action_type, m.proof, m.n, m.good, round(m.stated_confidence, 3), round(m.estimate::numeric, 2), round(m.measured::numeric, 2),
         round(m.ratio::numeric, 3),
         (select round((1.4826 * percentile_cont(0.5) within group (order by abs(h.ratio - m.ratio)))::numeric, 3)
          from held h where h.action_type = m.action_type and h.proof = m.proof),
         round(greatest((m.with_ratio * coalesce(m.ratio, 1) + 10) / (m.with_ratio + 10), 0.05)::numeric, 3),
         case when m.stated_confidence > 0
              then round((m.good + 10 * m.stated_confidence) / (m.n + 10) / m.stated_confidence, 3) else 1 end
  from median m
$$;
comment on function _wedding_dbopt.calibration() is
  'By type of action and kind of proof: how past estimates held against what was measured, and the factors that correct new ones, which are 1 as long as little is known.';
