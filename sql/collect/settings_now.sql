-- What a session or its client sets, or a role or database sets for it, differs from caller to caller; the latter is told apart, from its catalogue.
create or replace function _wedding_dbopt.settings_now() returns jsonb
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with given(name, value, source) as (
    select s.name, s.reset_val || coalesce(case when s.unit ~ '^\d' then ' x ' else ' ' end || s.unit, ''), nullif(s.source, 'session')
    from pg_settings s
    where s.reset_val is distinct from s.boot_val and s.context <> 'internal'
      and s.source not in ('client', 'database', 'user', 'database user')
      and s.name not in ('application_name', 'client_encoding', 'client_min_messages', 'DateStyle', 'IntervalStyle', 'TimeZone', 'role',
                         'extra_float_digits', 'search_path', 'session_authorization')
    union all
    select format('%s for %s in %s', split_part(entry, '=', 1), coalesce(role.rolname, 'every role'), coalesce(d.datname, 'every database')),
           substr(entry, strpos(entry, '=') + 1), 'role or database'
    from pg_db_role_setting s
    cross join unnest(s.setconfig) as entry
    left join pg_roles role on role.oid = s.setrole
    left join pg_database d on d.oid = s.setdatabase
    where s.setdatabase = 0 or d.datname = current_database()
    union all
    select 'wedding_dbopt: ' || s.name, s.value, s.origin from _wedding_dbopt.setting s where s.name not in ('executor_dsn', 'pgbouncer_dsn')
  )
  -- Connection strings, commands and placeholders of applications may hold passwords.
  select coalesce(jsonb_object_agg(given.name, jsonb_build_object(
           'value', case when given.name ~* 'conninfo|command|secret|password|key|token|\.' and given.name not like 'wedding\_dbopt: %'
                              and not exists (select from pg_settings s where s.name = given.name and s.category <> 'Customized Options'
                                              and s.name !~* 'conninfo|command|secret|password|key|token')
                              and given.name !~ '^(pg_stat_statements|cron|auto_explain|hypopg|plpgsql)\.'
                         then '(hidden)' else given.value end,
           'source', given.source)), '{}')
  from given
$$;
comment on function _wedding_dbopt.settings_now() is
  'Settings that are not as installed, with value and source: the server''s, those of roles and of this database, and the extension''s own. What may hold a password is hidden.';
