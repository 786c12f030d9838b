create or replace function _wedding_dbopt.recommend_for_run(run_id bigint) returns integer
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].recommend_for_run(plpy, run_id)
$$;
comment on function _wedding_dbopt.recommend_for_run(bigint) is
  'Analyses the collected workload for a tuning run and stores its recommendations; returns how many are open.';
