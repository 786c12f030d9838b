create or replace function _wedding_dbopt.pass_sources() returns text[]
language sql stable security invoker
set search_path = pg_catalog, pg_temp as $$
  select array['statements', 'contexts', 'surges', 'relations', 'connections', 'locks', 'system']
$$;
comment on function _wedding_dbopt.pass_sources() is
  'What a pass of collect() samples, in this order; those of extensions that are not installed here are left out.';
