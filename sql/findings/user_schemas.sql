-- Schemas that an extension brought or that the hosting service keeps are not the user's to mend.
create or replace function _wedding_dbopt.user_schemas() returns table (schema_id oid, schema_name name)
language sql stable parallel safe security invoker
begin atomic
  select n.oid, n.nspname
  from pg_catalog.pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'wedding_dbopt', '_wedding_dbopt')
    and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e')
    and not exists (select from pg_catalog.pg_roles r
                    where r.oid = n.nspowner and (r.rolname like 'supabase\_%' or r.rolname = 'pgbouncer'));
end;
comment on function _wedding_dbopt.user_schemas() is 'The schemas whose objects findings() judges: no system''s, no extension''s, not ours.';
