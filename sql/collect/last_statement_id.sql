create or replace function _wedding_dbopt.last_statement_id() returns bigint
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (select case when s.is_called then s.last_value else 0 end from _wedding_dbopt.statement_id_seq s);
end $$;
comment on function _wedding_dbopt.last_statement_id() is 'The greatest id that a statement was given so far; what gets one later has a greater one.';
