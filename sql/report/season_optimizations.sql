create or replace function _wedding_dbopt.season_optimizations(run_id bigint) returns jsonb
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'optimization_type', case
             when deed.action_type = 'parameter_adjustment' then 'connection_scaling'
             when deed.wedding_context = 'booking' then 'booking_surge_handling'
             when deed.wedding_context = 'vendor_search' then 'vendor_search_enhancement'
             else deed.wedding_context || '_optimization' end,
           'description', deed.description,
           'impact_estimate', case
             when deed.measured_impact is not null then format('%s %% measured', round(deed.measured_impact, 1))
             when deed.estimated_impact is not null then format('%s %% estimated, not measured yet', round(deed.estimated_impact, 1))
             else 'not known' end,
           'duration', 'wedding_season',
           'action_id', deed.id) order by deed.id), '[]')
  from _wedding_dbopt.action as deed
  where deed.run_id = season_optimizations.run_id
    and deed.state in ('proposed', 'approved', 'applying', 'verifying', 'kept')
$$;
comment on function _wedding_dbopt.season_optimizations(bigint) is
  'The actions of a run in season mode in the words of a SeasonOptimization; those that failed or were undone are left out.';
