create or replace function _wedding_dbopt.require(condition boolean, message text, hint text) returns void
language plpgsql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
begin
  if require.condition is not true then
    raise exception using errcode = '22023', message = require.message, hint = require.hint;
  end if;
end $$;
comment on function _wedding_dbopt.require(boolean, text, text) is
  'Refuses a bad argument (SQLSTATE 22023) with a message that says what is wrong and a hint that says what is allowed.';
