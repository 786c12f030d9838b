create or replace function _wedding_dbopt.extension_schema(name text) returns regnamespace
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select e.extnamespace::regnamespace from pg_extension e where e.extname = extension_schema.name);
end $$;
comment on function _wedding_dbopt.extension_schema(text) is 'The schema of an extension of this database; null when it is not installed.';
