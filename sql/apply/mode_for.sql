create or replace function _wedding_dbopt.mode_for(action_type text, schema_name text, table_name text) returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    (select m.mode from _wedding_dbopt.table_mode m
     where m.table_key = quote_ident(mode_for.schema_name) || '.' || quote_ident(mode_for.table_name) and m.action_type in (mode_for.action_type, 'all')
     order by m.action_type = 'all' limit 1),
    _wedding_dbopt.setting_value('mode.' || mode_for.action_type))
$$;
comment on function _wedding_dbopt.mode_for(text, text, text) is
  'off, recommend, approve or auto: what may happen with an action of this type on this table; null where no type of action has this name.';
