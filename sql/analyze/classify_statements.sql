create or replace function _wedding_dbopt.classify_statements() returns integer
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].classify_statements(plpy)
$$;
comment on function _wedding_dbopt.classify_statements() is
  'Parses statements that are new, or whose rules, views or functions changed, and stores their tables, context and criticality; a batch in each call, returns how many.';
