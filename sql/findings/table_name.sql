create or replace function _wedding_dbopt.table_name(relid oid) returns text
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select format('%I.%I', pg_namespace.nspname, pg_class.relname)
  from pg_class join pg_namespace on pg_namespace.oid = pg_class.relnamespace where pg_class.oid = table_name.relid
$$;
comment on function _wedding_dbopt.table_name(oid) is 'The quoted name of a relation, with its schema.';
