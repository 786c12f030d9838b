create or replace function _wedding_dbopt.check_api(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with shown as materialized (
    select held.*, reader.roles, writer.roles as writers
    from _wedding_dbopt.user_tables() as held
    join _wedding_dbopt.api_schemas() as exposed on exposed.schema_name = held.schema_name
    cross join lateral (select string_agg(quote_ident(role.role_name), ', ' order by role.role_name) as roles
                        from _wedding_dbopt.api_roles() as role where has_table_privilege(role.role_id, held.relid, 'select')) as reader
    cross join lateral (select string_agg(quote_ident(role.role_name), ', ' order by role.role_name) as roles
                        from _wedding_dbopt.api_roles() as role where has_table_privilege(role.role_id, held.relid, 'insert, update, delete')) as writer
    where not held.is_partition and (reader.roles is not null or writer.roles is not null)
  ), of_users as (
    select distinct rewrite.ev_class as relid
    from pg_depend
    join pg_rewrite as rewrite on rewrite.oid = pg_depend.objid
    join pg_class as held on held.oid = pg_depend.refobjid and held.relname = 'users'
    join pg_namespace as home on home.oid = held.relnamespace and home.nspname = 'auth'  -- to_regclass() needs a right to the schema
    where pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.refclassid = 'pg_class'::regclass
  ), exposed_function as materialized (
    select pg_proc.oid, pg_proc.oid::regprocedure::text as name, pg_proc.prosecdef, exposed.schema_id, exposed.schema_name, pg_proc.proconfig, pg_proc.proowner, pg_proc.prorettype
    from _wedding_dbopt.user_schemas() as exposed
    join pg_proc on pg_proc.pronamespace = exposed.schema_id and pg_proc.prokind in ('f', 'p')
    join pg_language on pg_language.oid = pg_proc.prolang and pg_language.lanname not in ('c', 'internal')
    where pg_proc.prosqlbody is null  -- NOT IN is hashed; a join is taken for small and compares each with each
      and pg_proc.oid not in (select objid from pg_depend where classid = 'pg_proc'::regclass and deptype = 'e')
  )
  select 'api_table_without_row_security', case when shown.writers is null then 'warning' else 'critical' end, shown.name, shown.relid, null::integer[],
         'row security ' || shown.name,
         format('The API shows %s to %s without row-level security: whoever has the public key %s every row. The remedy lets nobody through who no policy names.',
                shown.name, coalesce(shown.writers, shown.roles), case when shown.writers is null then 'reads' else 'may change' end),
         jsonb_build_object('readers', shown.roles, 'writers', shown.writers),
         format('alter table %s enable row level security', shown.name)
           || case when shown.writers is null and not exists (select from pg_policy where polrelid = shown.relid) then format(E';\ncreate policy read_all on %s for select to %s using (true)', shown.name, shown.roles) else '' end
  from shown where shown.kind in ('r', 'p') and not shown.row_security
  union all
  select 'auth_users_exposed', 'critical', shown.name, shown.relid, null, 'view ' || shown.name,
         format('%s shows what stands in auth.users to %s: addresses and login data of all users.', shown.name, shown.roles),
         jsonb_build_object('readers', shown.roles), format('revoke all on %s from public, %s', shown.name, shown.roles)
  from shown join of_users on of_users.relid = shown.relid where shown.roles is not null
  union all
  select 'definer_view', 'warning', shown.name, shown.relid, null, 'view ' || shown.name,
         format('The view %s reads with the rights of its owner %s: row-level security of the tables below does not hold for %s.', shown.name, pg_get_userbyid(shown.owner), shown.roles),
         jsonb_build_object('readers', shown.roles, 'owner', pg_get_userbyid(shown.owner)),
         format('alter view %s set (security_invoker = on)', shown.name)
  from shown
  where shown.kind = 'v' and shown.roles is not null and coalesce(array_to_string(shown.options, ' '), '') !~ 'security_invoker=(on|true|1|yes)'
    and current_setting('server_version_num')::integer >= 150000
  union all
  select case shown.kind when 'm' then 'materialized_view_in_api' else 'foreign_table_in_api' end, 'warning', shown.name, shown.relid, null, 'view ' || shown.name,
         format('%s can have no row-level security, and the API shows all of it to %s.', shown.name, coalesce(shown.roles, shown.writers)),
         jsonb_build_object('readers', shown.roles, 'writers', shown.writers),
         format('revoke all on %s from public, %s', shown.name, concat_ws(', ', shown.roles, shown.writers))
  from shown where shown.kind in ('m', 'f')
  union all
  select 'mutable_search_path', case when exposed_function.prosecdef then 'warning' else 'info' end, exposed_function.name, null, null, null,
         format('The function %s finds its tables and operators by the search_path of whoever calls it%s.', exposed_function.name,
                case when exposed_function.prosecdef then ', with the rights of its owner ' || pg_get_userbyid(exposed_function.proowner) || ': who may create objects can make it run them' else '' end),
         jsonb_build_object('definer', exposed_function.prosecdef),
         format('alter routine %s set search_path = %I, pg_temp', exposed_function.name, exposed_function.schema_name)
  from exposed_function
  where not exists (select from unnest(exposed_function.proconfig) as line where line like 'search_path=%')
    and (exposed_function.prosecdef or exists (select from _wedding_dbopt.api_roles() as role
                                               where has_function_privilege(role.role_id, exposed_function.oid, 'execute')
                                                 and has_schema_privilege(role.role_id, exposed_function.schema_id, 'usage')))
  union all
  select 'definer_function_for_anybody', 'info', exposed_function.name, null, null, null,
         format('Whoever reaches the API may call %s without logging in, and it runs with the rights of %s. Mute this where that is meant.',
                exposed_function.name, pg_get_userbyid(exposed_function.proowner)),
         jsonb_build_object('owner', pg_get_userbyid(exposed_function.proowner)),
         format('grant execute on routine %s to authenticated;
revoke execute on routine %1$s from public, anon', exposed_function.name)
  from exposed_function
  join _wedding_dbopt.api_schemas() as exposed on exposed.schema_name = exposed_function.schema_name
  join _wedding_dbopt.api_roles() as role on role.role_name = 'anon' and has_function_privilege(role.role_id, exposed_function.oid, 'execute')
  where exposed_function.prosecdef and exposed_function.prorettype <> 'trigger'::regtype
    and exists (select from pg_roles where rolname = 'authenticated')
  union all
  select 'extension_in_api', 'info', pg_extension.extname::text, null, null, null,
         format('The extension %s stands in the schema %s, which the API shows: its functions can be called from outside.', pg_extension.extname, exposed.schema_name),
         jsonb_build_object('schema', exposed.schema_name, 'relocatable', pg_extension.extrelocatable),
         case when pg_extension.extrelocatable
              then format(E'create schema if not exists extensions;\nalter extension %I set schema extensions', pg_extension.extname) end
  from pg_extension join _wedding_dbopt.api_schemas() as exposed on exposed.schema_id = pg_extension.extnamespace
  where pg_extension.extname not in ('plpgsql', 'wedding_dbopt')
  union all
  select 'outdated_extension', 'info', pg_extension.extname::text, null, null, null,
         format('The extension %s is at version %s here, the server has %s.', pg_extension.extname, pg_extension.extversion, available.default_version),
         jsonb_build_object('version', pg_extension.extversion, 'available', available.default_version),
         format('alter extension %I update', pg_extension.extname)
  from pg_extension join pg_available_extensions as available on available.name = pg_extension.extname
  where available.default_version <> pg_extension.extversion
  union all
  select 'api_role_without_timeout', 'warning', role.role_name::text, null, null, null,
         format('Statements of the API role %s may run without end: a slow search by a stranger holds a connection as long as he likes.', role.role_name),
         jsonb_build_object('statement_timeout', coalesce(system.setting, '0')),
         format('alter role %I set statement_timeout = %L', role.role_name, case role.role_name when 'anon' then '3s' else '8s' end)
  from _wedding_dbopt.api_roles() as role
  left join pg_settings as system on system.name = 'statement_timeout'
  where not exists (select from pg_db_role_setting, unnest(setconfig) as line
                    where (setrole = role.role_id or setrole = 0 and setdatabase = (select oid from pg_database where datname = current_database()))
                      and line like 'statement\_timeout=%' and line <> 'statement_timeout=0')
    and coalesce(system.reset_val, '0') = '0';
end $$;
comment on function _wedding_dbopt.check_api(timestamptz) is
  'Findings: what an API shows to the public that it should not, functions that trust their caller''s search_path, outdated extensions.';
