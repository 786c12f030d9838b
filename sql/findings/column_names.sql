create or replace function _wedding_dbopt.column_names(relid oid, columns smallint[]) returns text
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  select string_agg(quote_ident(pg_attribute.attname), ', ' order by part.place)
  from unnest(column_names.columns) with ordinality as part (attnum, place)
  join pg_attribute on pg_attribute.attrelid = column_names.relid and pg_attribute.attnum = part.attnum
$$;
comment on function _wedding_dbopt.column_names(oid, smallint[]) is 'Quoted names of columns, in the order given, with commas between.';
