create or replace function _wedding_dbopt.is_dsn(dsn text) returns boolean
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].is_dsn(plpy, dsn)
$$;
comment on function _wedding_dbopt.is_dsn(text) is 'Whether libpq can read a connection string; it is not quoted in any message.';
