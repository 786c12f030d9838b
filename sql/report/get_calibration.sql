create or replace function wedding_dbopt.get_calibration()
returns table (action_type text, proof text, actions bigint, kept bigint, stated_confidence numeric, kept_share numeric,
               median_estimate numeric, median_measured numeric, median_ratio numeric, ratio_spread numeric,
               estimate_factor numeric, confidence_factor numeric)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select c.action_type, c.proof, c.actions, c.kept, c.stated_confidence, round(c.kept::numeric / c.actions, 3), c.median_estimate, c.median_measured,
         c.median_ratio, c.ratio_spread, c.estimate_factor, c.confidence_factor
  from _wedding_dbopt.calibration() c
  order by c.actions desc, c.action_type, c.proof
$$;
comment on function wedding_dbopt.get_calibration() is
  'How good past estimates were, by type of action and kind of proof: what was estimated and measured in percent (medians), their ratio with its spread, the share that was kept beside the confidence stated, and the factors by which new estimates and confidences are corrected.';
