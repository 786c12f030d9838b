create or replace function _wedding_dbopt.fit_load_in_python(at timestamptz, stale timestamptz) returns boolean
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].fit_load(plpy, at, stale)
$$;
comment on function _wedding_dbopt.fit_load_in_python(timestamptz, timestamptz) is
  'Fits profile, growth, seasons and forecast of the next context whose fit is missing or not younger than stale, and stores them; answers whether there was one.';
