create or replace function wedding_dbopt.get_tuning_run(run_id bigint default null) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
declare
  run _wedding_dbopt.tuning_run;
  season jsonb;
begin
  select * into run
  from _wedding_dbopt.tuning_run as candidate
  where get_tuning_run.run_id is null or candidate.id = get_tuning_run.run_id
  order by candidate.id desc
  limit 1;
  if run.id is null and get_tuning_run.run_id is not null then
    raise exception using errcode = '22023', message = format('there is no tuning run %s', get_tuning_run.run_id),
      hint = 'optimize_database() answers with the id of its run; without run_id you get the latest.';
  end if;
  if run.id is null then
    return null;
  end if;
  season := _wedding_dbopt.season_optimizations(run.id);
  return (to_jsonb(run) - 'id') || jsonb_build_object(
    'run_id', run.id,
    'actions_taken', coalesce((
      select jsonb_agg(to_jsonb(deed) order by deed.id)
      from wedding_dbopt.get_actions(run.id, null, 1000) as deed), '[]'),
    'performance_impact', _wedding_dbopt.performance_impact(run.id),
    'wedding_season_optimizations', season,
    'wedding_season_optimizations_reason', case when season = '[]' then
      'none: no statement works only in a season by what was observed, and no context surged or was under high load when the run began' end,
    'recommendations', coalesce((
      select jsonb_agg(to_jsonb(advice) order by advice.estimated_improvement desc nulls last, advice.id)
      from wedding_dbopt.get_recommendations(null, 10000) as advice where advice.run_id = run.id), '[]'),
    'events', coalesce((
      select jsonb_agg(jsonb_build_object('at', event.at, 'actor', event.actor, 'subject', event.subject,
               'subject_id', event.subject_id, 'from_state', event.from_state, 'to_state', event.to_state,
               'reason', event.reason) order by event.id)
      from _wedding_dbopt.event
      where (event.subject = 'tuning_run' and event.subject_id = run.id::text)
         or (event.subject = 'action' and event.subject_id in (
              select deed.id::text from _wedding_dbopt.action as deed where deed.run_id = run.id))), '[]'));
end $$;
comment on function wedding_dbopt.get_tuning_run(bigint) is
  'One tuning run, the latest if none is named (null when there was none yet): its state, actions_taken, the measured performance_impact, wedding_season_optimizations, recommendations and every event.';
