create or replace function _wedding_dbopt.python_status() returns text
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  perform _wedding_dbopt.load_python();
  return 'ok';
exception when others then
  return sqlerrm;
end $$;
comment on function _wedding_dbopt.python_status() is 'ok when the Python package of the installed version loads, else the reason.';
