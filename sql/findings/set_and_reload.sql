create or replace function _wedding_dbopt.set_and_reload(name text, value text) returns text
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select format('alter system set %s = %L;%sselect pg_reload_conf()%s', set_and_reload.name, set_and_reload.value, E'\n',
                case when (select context from pg_settings where pg_settings.name = set_and_reload.name) = 'postmaster'
                     then E';\n-- then restart the server' else '' end)
$$;
comment on function _wedding_dbopt.set_and_reload(text, text) is
  'The statements that give a setting a value for the whole server, as a remedy; those that need a restart say so.';
