create or replace function _wedding_dbopt.raise_plain(message text, state text, detail text, hint text) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  plain constant text := regexp_replace(message, '^(plpy\.Error|spiexceptions\.\w+): ', '');
begin
  if detail <> '' and hint <> '' then
    raise exception using message = plain, errcode = state, detail = raise_plain.detail, hint = raise_plain.hint;
  elsif detail <> '' then
    raise exception using message = plain, errcode = state, detail = raise_plain.detail;
  elsif hint <> '' then
    raise exception using message = plain, errcode = state, hint = raise_plain.hint;
  else
    raise exception using message = plain, errcode = state;
  end if;
end $$;
comment on function _wedding_dbopt.raise_plain(text, text, text, text) is
  'Raises an error of the Python half again without the traceback and the prefix that PL/Python adds.';
