-- Only superusers see these tables; for others the check says nothing, and limited_view says so.
create or replace function _wedding_dbopt.check_access(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  if has_table_privilege('pg_authid', 'select') then
    return query
    select 'md5_password', 'warning', rolname::text, null::oid, null::integer[], null::text,
           format('The password of %s is stored as MD5, which a stolen copy gives away. Give it anew with password_encryption = scram-sha-256; until then the remedy keeps it from logging in with it.', rolname),
           '{}'::jsonb, format('alter role %I password null', rolname)
    from pg_authid where rolcanlogin and rolpassword like 'md5%';
  end if;
  if has_function_privilege('pg_hba_file_rules()', 'execute') then
    return query
    select 'login_without_password', 'critical', format('pg_hba.conf line %s', line_number), null::oid, null::integer[], null::text,
           format('Line %s of pg_hba.conf lets %s into %s from %s without a password.', line_number, array_to_string(user_name, ', '),
                  array_to_string(database, ', '), concat_ws('/', address, netmask)) || ' Write scram-sha-256 in place of trust, then select pg_reload_conf().',
           jsonb_build_object('type', type, 'address', address), null::text
    from pg_hba_file_rules
    where auth_method = 'trust' and type like 'host%' and address not in ('127.0.0.1', '::1', 'localhost', 'samehost');
  end if;
end $$;
comment on function _wedding_dbopt.check_access(timestamptz) is 'Findings: passwords stored weakly and logins without one.';
