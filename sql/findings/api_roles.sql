create or replace function _wedding_dbopt.api_roles() returns table (role_id oid, role_name name)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select oid, rolname from pg_roles where rolname in ('anon', 'authenticated') and not rolbypassrls
$$;
comment on function _wedding_dbopt.api_roles() is 'The roles as whom PostgREST and Supabase serve the public; none where there is no such API.';
