create or replace function _wedding_dbopt.recommend_in_python(
  queries text[], weights float8[], storage_budget bigint, time_budget interval, max_width integer, include_existing boolean
) returns table (
  schema_name text, table_name text, columns text[], index_type text, index_name text, where_clause text,
  implementation_sql text, rollback_sql text, estimated_bytes bigint, estimated_improvement numeric,
  estimated_gain_ms numeric, write_cost numeric, wedding_context text, criticality text, priority text,
  confidence numeric, proof text, benefits jsonb, reason text, include_columns text[], kind text
)
language plpython3u volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
if "wedding_dbopt" not in GD: plpy.execute("select _wedding_dbopt.load_python()")
return GD["wedding_dbopt"].recommend_indexes(
    plpy, queries, weights, storage_budget, time_budget, max_width, include_existing)
$$;
comment on function _wedding_dbopt.recommend_in_python(text[], float8[], bigint, interval, integer, boolean) is
  'The Python half of recommend_indexes.';
