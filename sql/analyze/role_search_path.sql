create or replace function _wedding_dbopt.role_search_path(userid oid) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    (select substring(c from '^search_path=(.*)$')
     from pg_db_role_setting s, unnest(s.setconfig) c
     where s.setrole in (role_search_path.userid, 0) and c like 'search\_path=%'
       and s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
     order by s.setrole = 0, s.setdatabase = 0 limit 1),
    (select reset_val from pg_settings where name = 'search_path'))
$$;
comment on function _wedding_dbopt.role_search_path(oid) is
  'The search_path a role''s sessions start with in this database; this session''s own start value where the role has none.';
