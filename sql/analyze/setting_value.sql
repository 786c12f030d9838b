create or replace function _wedding_dbopt.setting_value(name text) returns text
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
begin
  return (
    select s.value from _wedding_dbopt.setting s where s.name = setting_value.name);
end $$;
comment on function _wedding_dbopt.setting_value(text) is 'The value of a setting of the extension; null when there is none of this name.';
