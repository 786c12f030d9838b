create or replace function wedding_dbopt.analyze_query(
  query text, context text default 'wedding_platform', optimization_level text default 'moderate',
  measure boolean default false, needed_columns text[] default null
) returns jsonb
language plpgsql volatile parallel unsafe security invoker set search_path = pg_catalog, pg_temp as $$
declare
  found_detail text;
  found_hint text;
begin
  return _wedding_dbopt.analyze_in_python(query, context, optimization_level, measure, needed_columns);
exception when others or query_canceled then
  get stacked diagnostics found_detail = pg_exception_detail, found_hint = pg_exception_hint;
  perform _wedding_dbopt.raise_plain(sqlerrm, sqlstate, found_detail, found_hint);
end $$;
comment on function wedding_dbopt.analyze_query(text, text, text, boolean, text[]) is
  'Explains one statement without running it: its plan, proven rewrites at the level conservative, moderate or aggressive, indexes that would help, and what each would gain. Planned as the calling role. With measure => true a statement that only reads is run, and its rewritten form too: results are compared, buffers and time decide. needed_columns, those that the caller reads, take the place of a star in an offer.';
