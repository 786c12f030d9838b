-- Its own statements on the catalogue are planned once a session: their plans do not depend on the values.
create or replace function _wedding_dbopt.analyze_in_python(
  query text, context text, optimization_level text, measure boolean, needed_columns text[]
) returns jsonb
language plpython3u volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].analyze_query(plpy, query, context, optimization_level, measure, needed_columns)
$$;
comment on function _wedding_dbopt.analyze_in_python(text, text, text, boolean, text[]) is 'The Python half of analyze_query.';
