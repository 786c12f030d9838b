-- Commits between its steps, so it carries no SET and can catch nothing: every name in it and below it is qualified.
create or replace procedure _wedding_dbopt.process_readiness(at timestamptz)
language plpgsql security invoker as $$
declare
  failure jsonb;
begin
  call _wedding_dbopt.step_in_python('readiness', process_readiness.at, failure);
  perform _wedding_dbopt.raise_failure(failure);
end $$;
comment on procedure _wedding_dbopt.process_readiness(timestamptz) is 'Carries out the readiness runs that are queued.';
create or replace function _wedding_dbopt.readiness_in_python(readiness_id bigint, at timestamptz) returns text
language plpython3u volatile security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].readiness(plpy, readiness_id, at)
$$;
comment on function _wedding_dbopt.readiness_in_python(bigint, timestamptz) is
  'Computes a readiness run and stores its result; the executor calls it in a session of its own, because it plans statements of others.';
