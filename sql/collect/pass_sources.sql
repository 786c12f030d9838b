create or replace function _wedding_dbopt.pass_sources() returns text[]
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select array['statements', 'contexts', 'surges', 'relations', 'connections', 'locks', 'system']
      || array(select v.source from (values ('resources', 'pg_stat_kcache'), ('wait_profile', 'pg_wait_sampling')) as v (source, extension)
               where _wedding_dbopt.extension_schema(v.extension) is not null order by v.source)
      || array['alerts']);  -- judges what the others stored
end $$;
comment on function _wedding_dbopt.pass_sources() is
  'What a pass of collect() samples, in this order; those of extensions that are not installed here are left out.';
