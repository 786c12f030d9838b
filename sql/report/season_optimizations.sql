create or replace function _wedding_dbopt.season_optimizations(run_id bigint) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with trigger as (
    select t ->> 'context' as context, t ->> 'reason' as reason
    from _wedding_dbopt.tuning_run r cross join lateral jsonb_array_elements(coalesce(r.options -> 'triggers', '[]')) t
    where r.id = season_optimizations.run_id
  ), done as (
    select a.*, t.context as asked_by, t.reason as because
    from _wedding_dbopt.action a left join trigger t on t.context = a.wedding_context
    where a.run_id = season_optimizations.run_id and (a.season is not null or t.context is not null)
  ), shown as (
    select 0 as part, d.id as place, jsonb_build_object(
             'optimization_type', d.action_type, 'description', d.description, 'impact_estimate', d.estimated_impact, 'measured_impact', d.measured_impact,
             'duration', case when d.season is null then 'permanent' else d.season || '_season' end, 'action_id', d.id, 'state', d.state,
             'wedding_context', d.wedding_context,
             'reason', concat_ws('; ', d.because, case when d.season is not null then format('its statements work only in the %s season', d.season) end)) as entry
    from done d
    union all
    select 1, row_number() over (order by t.context), jsonb_build_object(
             'optimization_type', 'index_creation', 'impact_estimate', 0, 'duration', 'permanent', 'wedding_context', t.context, 'reason', t.reason,
             'description', coalesce(
               (select 'exists already: ' || string_agg(format('%I.%I', a.schema_name, a.object_name), ', ' order by a.id)
                from _wedding_dbopt.action a where a.wedding_context = t.context and a.action_type = 'index_creation' and a.state in ('verifying', 'kept')),
               'no index was found that would help'))
    from trigger t where not exists (select from done d where d.asked_by = t.context)
  )
  select coalesce(jsonb_agg(s.entry order by s.part, s.place), '[]') from shown s
$$;
comment on function _wedding_dbopt.season_optimizations(bigint) is
  'What a run did for the season: actions bound to one, and for each context that surged or was under high load its actions, or that they exist already.';
