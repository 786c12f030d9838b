create or replace function _wedding_dbopt.fetch_replicas(at text) returns integer
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].fetch_replicas(plpy, at)
$$;
comment on function _wedding_dbopt.fetch_replicas(text) is 'The Python half of sample_replicas: how many replicas answered.';
