create or replace function wedding_dbopt.recommend_indexes(
  queries text[] default null, weights float8[] default null, storage_budget bigint default null,
  time_budget interval default '30 s', max_width integer default 3, include_existing boolean default true
) returns table (
  schema_name text, table_name text, columns text[], index_type text, index_name text, where_clause text,
  implementation_sql text, rollback_sql text, estimated_bytes bigint, estimated_improvement numeric,
  estimated_gain_ms numeric, write_cost numeric, wedding_context text, criticality text, priority text,
  confidence numeric, proof text, benefits jsonb, reason text, include_columns text[], kind text
)
language plpgsql volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
declare
  found_detail text;
  found_hint text;
begin
  return query select * from _wedding_dbopt.recommend_in_python(
    queries, weights, storage_budget, time_budget, max_width, include_existing);
exception when others or query_canceled then
  get stacked diagnostics found_detail = pg_exception_detail, found_hint = pg_exception_hint;
  perform _wedding_dbopt.raise_plain(sqlerrm, sqlstate, found_detail, found_hint);
end $$;
comment on function wedding_dbopt.recommend_indexes(text[], float8[], bigint, interval, integer, boolean) is
  'The indexes that help a workload most, chosen with hypothetical indexes: the given statements (planned as the caller; weights are their calls a day, one each without), or, for the extension''s owner, the collected workload weighted by calls, time and criticality. kind is index_creation, or with include_existing also index_drop and reindex for indexes of these tables. stored_search_column is for people only. Builds nothing.';
