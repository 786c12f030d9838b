create or replace function wedding_dbopt.get_table_modes() returns table (table_name text, action_type text, mode text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select m.table_key, m.action_type, m.mode from _wedding_dbopt.table_mode m order by m.table_key, m.action_type
$$;
comment on function wedding_dbopt.get_table_modes() is 'The tables with modes of their own, which set_table_mode() gave them.';
