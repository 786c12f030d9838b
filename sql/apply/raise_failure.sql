create or replace function _wedding_dbopt.raise_failure(failure jsonb) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  if failure is not null then
    perform _wedding_dbopt.raise_plain(failure ->> 'message', failure ->> 'sqlstate', failure ->> 'detail', failure ->> 'hint');
  end if;
end $$;
comment on function _wedding_dbopt.raise_failure(jsonb) is
  'Raises what the Python half of a procedure told of its failure, without a traceback; nothing for null.';
