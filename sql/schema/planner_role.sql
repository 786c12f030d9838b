-- Statements of superusers and of roles that are gone are planned as this role, which owns nothing and may nothing.
-- It outlives DROP EXTENSION, because other databases of the cluster may use it.
do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'wedding_dbopt_planner') then
    create role wedding_dbopt_planner nologin nosuperuser nocreatedb nocreaterole inherit noreplication bypassrls;
    comment on role wedding_dbopt_planner is
      'Plans statements whose own role is a superuser or is gone, for the extension wedding_dbopt. Has no rights.';
  end if;
end $$;
