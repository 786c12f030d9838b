create or replace function _wedding_dbopt.actor() returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select concat_ws(' as ', session_user, nullif(nullif(current_setting('role', true), 'none'), session_user))
$$;
comment on function _wedding_dbopt.actor() is
  'Who acts: the role that logged in and, where it took another by SET ROLE (as PostgREST does), that one too.';
