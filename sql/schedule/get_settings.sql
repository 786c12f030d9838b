create or replace function wedding_dbopt.get_settings() returns table (name text, value text, origin text, description text)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select s.name, s.value, s.origin, s.description
  from _wedding_dbopt.setting s order by s.name
$$;
comment on function wedding_dbopt.get_settings() is 'All settings: value, whether it is the default or a user''s, and what it means.';
