create or replace function _wedding_dbopt.season_multipliers()
returns table (season text, context text, multiplier numeric, low numeric, high numeric, prior numeric,
               seasons_observed integer, days_observed integer, basis text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select c.name, known.context,
         case when b.basis = 'prior' then c.prior_multiplier else round(m.multiplier::numeric, 2) end,
         case when b.basis <> 'prior' then round(m.low::numeric, 2) end,
         case when b.basis <> 'prior' then round(m.high::numeric, 2) end,
         c.prior_multiplier, coalesce(m.seasons_observed, 0), coalesce(m.days_observed, 0), b.basis
  from _wedding_dbopt.calendar() c
  cross join (select k.context from _wedding_dbopt.contexts() k union all select 'all') known
  left join _wedding_dbopt.season_multiplier m on m.season = c.name and m.context = known.context
  cross join lateral (
    select case when m.seasons_observed >= 1 and m.high <= 1.6 * m.low then 'measured'
                when m.days_observed >= 14 then 'prior and measured' else 'prior' end) as b(basis)
  where c.enabled
$$;
comment on function _wedding_dbopt.season_multipliers() is
  'What each enabled season multiplies each context (and all) by. basis: measured when a whole season was seen and the 80 % interval is within a factor of 1.6; prior and measured when two weeks of it were; else the calendar''s prior.';
