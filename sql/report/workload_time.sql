-- workload() for who needs no more than this; the planner can inline it too.
create or replace function _wedding_dbopt.workload_time(since timestamptz, until timestamptz, squares boolean default false)
returns table(statement_id integer, queryid bigint, tables text[], context text, criticality text, calls bigint, exec_ms float8, exec_sq float8)
language sql stable security invoker
begin atomic
  select statement.id, statement.queryid, statement.tables,
         coalesce(statement.context, 'other'), coalesce(statement.criticality, 'medium'), used.calls, used.exec_ms, used.exec_sq
  from _wedding_dbopt.statement_time(workload_time.since, workload_time.until, workload_time.squares) as used
  join _wedding_dbopt.statement on statement.id = used.statement_id
  where not statement.own
    and statement.dbid = (select oid from pg_database where datname = current_database())
    and used.calls > 0;
end;
comment on function _wedding_dbopt.workload_time(timestamptz, timestamptz, boolean) is
  'How often this database''s users ran each statement in a window, and how long it took, as workload() has it; exec_sq only if squares are asked for, else null.';
