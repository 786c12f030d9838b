create or replace function wedding_dbopt.get_readiness(readiness_id bigint default null) returns jsonb
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  run _wedding_dbopt.readiness;
begin
  select r.* into run from _wedding_dbopt.readiness r
  where get_readiness.readiness_id is null or r.id = get_readiness.readiness_id order by r.id desc limit 1;
  perform _wedding_dbopt.require(run.id is not null or get_readiness.readiness_id is null, format('there is no readiness run %s', get_readiness.readiness_id),
    'prepare_season() answers with the id of its run; without readiness_id you get the latest.');
  if run.id is null then
    return null;
  end if;
  return (to_jsonb(run) - 'id' - 'result') || jsonb_build_object('readiness_id', run.id) || coalesce(run.result, '{}');
end $$;
comment on function wedding_dbopt.get_readiness(bigint) is
  'A readiness run, the latest if none is named (null when there was none yet): forecast, what breaks first and at which multiple of the measured load, with and without the open recommendations, when capacity ends, and the heaviest statements.';
