create or replace function _wedding_dbopt.tracking_to_stop() returns text
language plpgsql stable security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select current_setting('pg_stat_statements.track', true)
    from pg_roles r where r.rolname = current_user and r.rolsuper);
end $$;
comment on function _wedding_dbopt.tracking_to_stop() is
  'What pg_stat_statements tracks, for who may switch that off for its own statements (a superuser); else null.';
