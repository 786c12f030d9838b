-- A function without arguments in a policy gives one answer for the whole statement, but is asked for each row unless it
-- stands in a sub-select of its own. Which functions a policy calls is read from its dependencies, so the user's own
-- helpers count like auth.uid(); current_setting belongs to the system, which records no dependency.
create or replace function _wedding_dbopt.check_policies(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with held as materialized (
    select held.* from _wedding_dbopt.user_tables() as held where held.kind in ('r', 'p')
  ), policy as materialized (
    select pg_policy.oid, pg_policy.polname, pg_policy.polcmd, pg_policy.polpermissive, pg_policy.polroles,
           held.relid, held.name, held.row_security,
           pg_get_expr(pg_policy.polqual, pg_policy.polrelid) as qual, pg_get_expr(pg_policy.polwithcheck, pg_policy.polrelid) as check
    from pg_policy join held on held.relid = pg_policy.polrelid
    where held.relid not in (select locked from _wedding_dbopt.locked_relations() as locked)
  ), asked as (
    select policy.oid, 'current_setting\(''[^'']*''::text(?:, (?:true|false))?\)' as pattern
    from policy where concat(policy.qual, policy.check) ~ 'current_setting\('
    union all
    select pg_depend.objid, regexp_replace(pg_proc.oid::regproc::text, '[.$]', '\\\&', 'g') || '\(\)'
    from policy
    join pg_depend on pg_depend.classid = 'pg_policy'::regclass and pg_depend.objid = policy.oid and pg_depend.refclassid = 'pg_proc'::regclass
    join pg_proc on pg_proc.oid = pg_depend.refobjid
    where pg_proc.pronargs = 0 and pg_proc.provolatile in ('s', 'i') and not pg_proc.proretset
  ), bare as (
    -- Not behind "SELECT ": that one is asked once.
    select asked.oid, string_agg(distinct asked.pattern, '|') as patterns
    from asked join policy on policy.oid = asked.oid
    where concat(policy.qual, ' ', policy.check) ~ ('(?<!SELECT )(?<![\w.])(' || asked.pattern || ')')
    group by asked.oid
  ), per_row as (
    select policy.*, bare.patterns,
           regexp_replace(policy.qual, '(?<!SELECT )(?<![\w.])(' || bare.patterns || ')', '(select \1)', 'g') as new_qual,
           regexp_replace(policy.check, '(?<!SELECT )(?<![\w.])(' || bare.patterns || ')', '(select \1)', 'g') as new_check
    from policy join bare on bare.oid = policy.oid
    where policy.row_security
  ), command (letter, name) as (
    values ('r'::"char", 'SELECT'), ('a'::"char", 'INSERT'), ('w'::"char", 'UPDATE'), ('d'::"char", 'DELETE')
  ), several as (
    select policy.relid, policy.name, role.id as role_id, array_agg(distinct command.name order by command.name) as commands,
           array_agg(distinct policy.oid) as policies, array_agg(distinct policy.polname::text) as names
    from policy
    join command on policy.polcmd in (command.letter, '*')
    cross join unnest(policy.polroles) as role (id)
    join policy as other on other.relid = policy.relid and other.oid <> policy.oid and other.polpermissive
     and other.polcmd in (command.letter, '*') and role.id = any (other.polroles)
    where policy.polpermissive and policy.row_security
    group by policy.relid, policy.name, role.id
  ), merged as (
    select several.relid, several.name, several.policies, several.names, array_agg(distinct line order by line) as commands,
           string_agg(distinct coalesce(pg_get_userbyid(nullif(several.role_id, 0)), 'public'), ', ') as roles
    from several, unnest(several.commands) as line
    group by several.relid, several.name, several.policies, several.names
  )
  select 'policy_without_row_security', 'critical', held.name, held.relid, null::integer[], 'row security ' || held.name,
         format('%s has %s policies, but row-level security is off for it: they protect nothing.', held.name, count(*)),
         jsonb_build_object('policies', jsonb_agg(policy.polname)),
         format('alter table %s enable row level security', held.name)
  from held join policy on policy.relid = held.relid
  where not held.row_security
  group by held.name, held.relid
  union all
  select 'row_security_without_policy', 'info', held.name, held.relid, null, 'row security ' || held.name,
         format('Row-level security is on for %s and no policy lets a row through: only its owner and roles that bypass it see anything. Make a policy for those who should, or mute this.', held.name),
         jsonb_build_object('rows', held.tuples), null
  from held
  where held.row_security and not held.is_partition and not exists (select from pg_policy where polrelid = held.relid)
    and exists (select from _wedding_dbopt.api_roles() as role
                where has_table_privilege(role.role_id, held.relid, 'select, insert, update, delete'))
  union all
  select 'policy_function_per_row', 'warning', format('%s.%I', per_row.name, per_row.polname), per_row.relid, null, null,
         format('The policy %I of %s asks a function for its answer at every row, although it is the same for the whole statement; in a sub-select it is asked once.',
                per_row.polname, per_row.name),
         jsonb_build_object('using', per_row.qual, 'check', per_row.check),
         format('alter policy %I on %s%s%s', per_row.polname, per_row.name,
                ' using (' || per_row.new_qual || ')', ' with check (' || per_row.new_check || ')')
  from per_row
  union all
  select 'several_permissive_policies', 'warning', merged.name || '.' || array_to_string(merged.names, '+'), merged.relid, null, null,
         format('For %s by %s on %s the policies %s all apply: PostgreSQL evaluates each of them for every row. One policy with OR does the same.',
                array_to_string(merged.commands, ', '), merged.roles, merged.name, array_to_string(merged.names, ', ')),
         jsonb_build_object('policies', merged.names, 'commands', merged.commands, 'roles', merged.roles),
         (select format('alter policy %I on %s%s%s', (array_agg(policy.polname order by policy.oid))[1], merged.name,
                        ' using ((' || string_agg(policy.qual, ') or (' order by policy.oid) || '))',
                        ' with check ((' || string_agg(policy.check, ') or (' order by policy.oid) || '))')
                 || string_agg(case when policy.oid <> all (merged.policies[2:]) then ''
                                    else format(E';\ndrop policy %I on %s', policy.polname, merged.name) end, '' order by policy.oid)
          from policy
          where policy.oid = any (merged.policies)
          having count(distinct (policy.polcmd, policy.polroles)) = 1 and count(distinct (policy.qual is null, policy.check is null)) = 1)
  from merged
  union all
  select 'policy_always_true', 'warning', format('%s.%I', policy.name, policy.polname), policy.relid, null, null,
         format('The policy %I of %s lets %s change every row: its condition is always true. Say in it whose rows they may change; until then the remedy closes it.',
                policy.polname, policy.name, (select string_agg(role_name, ', ') from _wedding_dbopt.api_roles() where role_id = any (policy.polroles) or 0 = any (policy.polroles))),
         jsonb_build_object('command', policy.polcmd, 'using', policy.qual, 'check', policy.check),
         format('alter policy %I on %s%s%s', policy.polname, policy.name,
                case when policy.qual is not null then ' using (false)' end, case when policy.check is not null then ' with check (false)' end)
  from policy
  where policy.polpermissive and policy.row_security and policy.polcmd <> 'r'
    and (policy.qual = 'true' or policy.check = 'true')
    and exists (select from _wedding_dbopt.api_roles() as role
                where (role.role_id = any (policy.polroles) or 0 = any (policy.polroles))
                  and has_table_privilege(role.role_id, policy.relid, 'insert, update, delete'))
  union all
  select 'policy_on_user_metadata', 'critical', format('%s.%I', policy.name, policy.polname), policy.relid, null, null,
         format('The policy %I of %s trusts user_metadata, which every user may write himself. Use app_metadata; until then the remedy closes it.', policy.polname, policy.name),
         jsonb_build_object('using', policy.qual, 'check', policy.check),
         format('alter policy %I on %s%s%s', policy.polname, policy.name,
                case when policy.qual is not null then ' using (false)' end, case when policy.check is not null then ' with check (false)' end)
  from policy where concat(policy.qual, policy.check) ~ 'user_metadata';
end $$;
comment on function _wedding_dbopt.check_policies(timestamptz) is
  'Findings: row-level security that protects nothing, shuts everybody out, or asks too much at every row.';
