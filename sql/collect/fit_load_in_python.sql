create or replace function _wedding_dbopt.fit_load_in_python(at timestamptz) returns integer
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].fit_load(plpy, at)
$$;
comment on function _wedding_dbopt.fit_load_in_python(timestamptz) is
  'Fits profile, growth, seasons and forecast of each context and stores them; returns how many contexts.';
