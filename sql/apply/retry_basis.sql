create or replace function _wedding_dbopt.retry_basis(schema_name text, table_name text, benefits jsonb, at timestamptz) returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with span as (
    select greatest(retry_basis.at - _wedding_dbopt.setting_value('workload_window')::interval, min(s.at)) as since
    from _wedding_dbopt.statement_sample s
  )
  select jsonb_build_object(
    'rows', (select greatest(c.reltuples, 0) from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = retry_basis.schema_name and c.relname = retry_basis.table_name),
    'calls_per_hour', round((load.calls / greatest(extract(epoch from retry_basis.at - span.since) / 3600, 0.25))::numeric, 1),
    'mean_ms', round((load.exec_ms / nullif(load.calls, 0))::numeric, 3))
  from span left join lateral (
    select sum(w.calls) as calls, sum(w.exec_ms) as exec_ms from _wedding_dbopt.statement_time(span.since, retry_basis.at) w
    where w.statement_id in (select (b ->> 'statement_id')::integer from jsonb_array_elements(retry_basis.benefits) b)) load on true
$$;
comment on function _wedding_dbopt.retry_basis(text, text, jsonb, timestamptz) is
  'On what a verdict rests: the rows of the table and the calls per hour and the milliseconds per call of the statements an action was to serve.';
