create or replace function _wedding_dbopt.table_writers(since timestamptz, until timestamptz)
returns table (statement_id integer, tables text[], calls bigint, rows bigint, query text)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  select s.id, s.tables, w.calls, w.rows, t.query
  from _wedding_dbopt.statement_sum(table_writers.since, table_writers.until) w
  join _wedding_dbopt.statement s on s.id = w.statement_id and s.kind = 'update' and not s.own
    and s.dbid = (select d.oid from pg_database d where d.datname = current_database())
  join _wedding_dbopt.statement_text t on t.statement_id = s.id
  where w.calls > 0
$$;
comment on function _wedding_dbopt.table_writers(timestamptz, timestamptz) is 'The UPDATEs of a window: which columns they set decides whether their rows may stay in their page.';
