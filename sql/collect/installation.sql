create or replace function _wedding_dbopt.installation() returns text
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (select concat_ws(' ', e.oid, e.xmin, e.extversion) from pg_extension e where e.extname = 'wedding_dbopt');
end $$;
comment on function _wedding_dbopt.installation() is 'Changes whenever this extension is updated or made anew.';
