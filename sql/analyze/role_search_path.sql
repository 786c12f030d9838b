-- PL/pgSQL, because an SQL function is planned again at each call.
create or replace function _wedding_dbopt.role_search_path(userid oid, otherwise text default null) returns text
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return coalesce(
    (select substring(c from '^search_path=(.*)$')
     from pg_db_role_setting s, unnest(s.setconfig) c
     where s.setrole in (role_search_path.userid, 0) and c like 'search\_path=%'
       and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
     order by s.setrole = 0, s.setdatabase = 0 limit 1),
    role_search_path.otherwise,
    (select g.reset_val from pg_settings g where g.name = 'search_path'));
end $$;
comment on function _wedding_dbopt.role_search_path(oid, text) is
  'The search_path a role''s sessions start with in this database; where the role has none, `otherwise` or this session''s own start value.';
