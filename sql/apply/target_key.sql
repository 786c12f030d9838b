create or replace function _wedding_dbopt.target_key(
  action_type text, object_kind text, schema_name text, table_name text, object_name text, details jsonb
) returns text
language sql immutable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select concat_ws(' ', action_type, object_kind, quote_ident(schema_name), quote_ident(table_name), quote_ident(object_name),
                   quote_ident(details ->> 'parameter'))
$$;
comment on function _wedding_dbopt.target_key(text, text, text, text, text, jsonb) is
  'What an action is about: two actions with the same key are never under way at the same time.';
