create or replace function _wedding_dbopt.api_schemas() returns table (schema_id oid, schema_name name)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select held.schema_id, held.schema_name
  from _wedding_dbopt.user_schemas() as held
  where exists (select from _wedding_dbopt.api_roles() as role where has_schema_privilege(role.role_id, held.schema_id, 'usage'))
    and held.schema_name = any (coalesce(
      (select string_to_array(regexp_replace(substring(line from '=(.*)'), '[" ]', '', 'g'), ',')
       from pg_roles, unnest(rolconfig) as line where rolname = 'authenticator' and line like 'pgrst.db\_schemas=%'),
      array['public', 'graphql_public', 'api']))
$$;
comment on function _wedding_dbopt.api_schemas() is
  'Schemas that the API shows to the public: those PostgREST is configured for, else public, graphql_public and api.';
