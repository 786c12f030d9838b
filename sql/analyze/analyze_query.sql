create or replace function wedding_dbopt.analyze_query(
  query text, context text default 'wedding_platform', optimization_level text default 'moderate'
) returns jsonb
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].analyze_query(plpy, query, context, optimization_level)
$$;
comment on function wedding_dbopt.analyze_query(text, text, text) is
  'Explains one statement without running it: its plan, proven rewrites at the level conservative, moderate or aggressive, indexes that would help, and what each would gain. Planned as the calling role.';
