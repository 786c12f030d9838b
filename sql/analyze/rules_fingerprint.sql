create or replace function _wedding_dbopt.rules_fingerprint() returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select md5(string_agg(r::text, E'\n' order by r.part, r.pattern)
             || (select e.extversion from pg_extension e where e.extname = 'wedding_dbopt'))
  from _wedding_dbopt.context_rule r
$$;
comment on function _wedding_dbopt.rules_fingerprint() is
  'Changes with the context rules and with the version that reads them.';
