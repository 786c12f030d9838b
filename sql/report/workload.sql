-- The body is parsed at creation, so it needs no search_path of its own, and without one the planner can inline it: who asks
-- for few columns pays for few.
create or replace function _wedding_dbopt.workload(since timestamptz, until timestamptz)
returns table(statement_id integer, queryid bigint, userid oid, kind text, tables text[], context text, criticality text,
              calls bigint, exec_ms float8, exec_sq float8, rows bigint, hit bigint, read bigint,
              temp_written bigint, wal_bytes bigint)
language sql stable security invoker
begin atomic
  select statement.id, statement.queryid, statement.userid, statement.kind, statement.tables,
         coalesce(statement.context, 'other'), coalesce(statement.criticality, 'medium'),
         used.calls, used.exec_ms, used.exec_sq, used.rows, used.hit, used.read, used.temp_written, used.wal_bytes
  from _wedding_dbopt.statement_sum(workload.since, workload.until) as used
  join _wedding_dbopt.statement on statement.id = used.statement_id
  where not statement.own
    and statement.dbid = (select oid from pg_database where datname = current_database())
    and used.calls > 0;
end;
comment on function _wedding_dbopt.workload(timestamptz, timestamptz) is
  'What this database''s users ran in a window, per statement: without the extension''s own statements and other databases. Every report counts on this.';
