-- xmin changes when a definition is replaced; comparing the definitions themselves would read them all in each tick.
create or replace function _wedding_dbopt.definitions_fingerprint() returns text
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  with home as (
    select n.oid from pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'wedding_dbopt', '_wedding_dbopt')
  )
  select md5(string_agg(d.definition, ',' order by d.definition))
  from (
    select format('v%s:%s:%s:%s', c.oid, c.relnamespace, c.relname, r.xmin)
    from pg_rewrite r join pg_class c on c.oid = r.ev_class
    where c.relkind in ('v', 'm') and c.relnamespace in (select oid from home)
    union all
    select format('f%s:%s', p.oid, p.xmin)
    from pg_proc p join pg_language l on l.oid = p.prolang
    where l.lanname in ('sql', 'plpgsql') and p.pronamespace in (select oid from home)
  ) as d (definition)
$$;
comment on function _wedding_dbopt.definitions_fingerprint() is
  'Changes with the views and functions through which statements touch tables.';
