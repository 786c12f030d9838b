create or replace function wedding_dbopt.grant_access(role text, level text default 'read') returns jsonb
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
declare
  levels constant text[] := array['read', 'analyze', 'operate'];
  routine_name text;
  granted integer := 0;
begin
  if level is null or not level = any (levels) then
    raise exception 'Unknown level %', coalesce(quote_literal(level), 'null')
      using errcode = 'invalid_parameter_value', hint = 'Use read, analyze or operate.';
  end if;
  if role is null or not exists (select from pg_roles r where r.rolname = grant_access.role) then
    raise exception 'There is no role %', coalesce(quote_literal(role), 'null')
      using errcode = 'undefined_object', hint = 'Create the role first; PUBLIC is never granted.';
  end if;
  execute format('grant usage on schema wedding_dbopt, _wedding_dbopt to %I', role);
  execute format('grant select on all tables in schema _wedding_dbopt to %I', role);
  for routine_name in
    select p.oid::regprocedure::text
    from _wedding_dbopt.access_policy() a
    join pg_proc p on p.oid::regproc::text = a.routine
    where array_position(levels, a.level) <= array_position(levels, grant_access.level)
    union all
    select p.oid::regprocedure::text from pg_proc p
    where p.pronamespace = '_wedding_dbopt'::regnamespace and p.prokind = 'f' and p.provolatile <> 'v'
      and p.prorettype <> 'trigger'::regtype
    union all
    select '_wedding_dbopt.load_python()'
    union all
    select p.oid::regprocedure::text from pg_proc p
    where grant_access.level <> 'read' and p.pronamespace = '_wedding_dbopt'::regnamespace
      and p.proname in ('analyze_in_python', 'recommend_in_python', 'raise_plain', 'note_rules')
  loop
    execute format('grant execute on function %s to %I', routine_name, role);
    granted := granted + 1;
  end loop;
  return jsonb_build_object('success', true, 'role', role, 'level', level, 'functions', granted);
end $$;
comment on function wedding_dbopt.grant_access(text, text) is
  'Lets a role call the functions of a level: read, analyze (plan statements as itself) or operate (queue, approve, roll back, pause). Statement texts stay hidden from roles outside pg_read_all_stats.';
