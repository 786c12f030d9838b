-- SECURITY DEFINER: who may operate the tuner needs no rights on its tables. It only writes our own rows.
create or replace function wedding_dbopt.optimize_database(
  optimization_level text default 'moderate', wedding_season_mode boolean default false
) returns jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  run bigint;
begin
  if optimization_level is null or optimization_level not in ('conservative', 'moderate', 'aggressive') then
    raise exception 'Unknown optimization_level %', coalesce(quote_literal(optimization_level), 'null')
      using errcode = 'invalid_parameter_value', hint = 'Use conservative, moderate or aggressive.';
  end if;
  select r.id into run from _wedding_dbopt.tuning_run r
  where r.state = 'queued' and r.level = optimization_level and r.season_mode = coalesce(wedding_season_mode, false)
  order by r.id limit 1;
  if run is null then
    insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
    values ('rpc', _wedding_dbopt.actor(), clock_timestamp(), optimization_level, coalesce(wedding_season_mode, false))
    returning id into run;
  end if;
  return (
   with plan as (
     select * from wedding_dbopt.preview_tuning(optimization_level, case when wedding_season_mode then true end)
   )
   select jsonb_build_object(
    'success', true,
    'result', jsonb_build_object(
      'run_id', run, 'state', 'queued',
      'enabled', _wedding_dbopt.setting_value('enabled') = 'on',
      'actions_taken', '[]'::jsonb,
      'performance_impact', null,
      'wedding_season_optimizations', (select coalesce(jsonb_agg(to_jsonb(p) order by p.place) filter (where p.phase = 'season'), '[]') from plan p),
      'recommendations', (select coalesce(jsonb_agg(to_jsonb(r) order by r.estimated_improvement desc nulls last, r.id), '[]')
                          from wedding_dbopt.get_recommendations() r),
      'plan', (select coalesce(jsonb_agg(to_jsonb(p) order by p.place), '[]') from plan p),
      'next', format(case when _wedding_dbopt.setting_value('enabled') = 'on'
                          then 'Poll get_tuning_run(%s): the next tick analyses the workload anew and applies what the mode allows.'
                          else 'The extension is paused: run %s waits until resume() is called.' end, run)),
    'timestamp', clock_timestamp()));
end $$;
comment on function wedding_dbopt.optimize_database(text, boolean) is
  'Queues a tuning run and answers at once with its id, today''s open recommendations and what of them it would do (plan); the tick carries it out. actions_taken and performance_impact are filled in get_tuning_run().';
