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
  return jsonb_build_object(
    'success', true,
    'result', jsonb_build_object(
      'run_id', run, 'state', 'queued',
      'enabled', _wedding_dbopt.setting_value('enabled') = 'on',
      'plan', (select coalesce(jsonb_agg(jsonb_build_object(
                 'recommendation_id', r.id, 'action_type', r.kind, 'sql', r.sql, 'rollback_sql', r.rollback_sql,
                 'estimated_improvement', r.estimated_improvement, 'wedding_context', r.context, 'reason', r.reason)
                 order by r.estimated_gain_ms desc nulls last), '[]')
               from _wedding_dbopt.recommendation r where r.status = 'open'),
      'next', format('Poll get_tuning_run(%s): the next tick analyses the workload anew and applies what the mode allows.', run)),
    'timestamp', clock_timestamp());
end $$;
comment on function wedding_dbopt.optimize_database(text, boolean) is
  'Queues a tuning run and answers at once with its id and today''s open recommendations; the tick carries it out.';
