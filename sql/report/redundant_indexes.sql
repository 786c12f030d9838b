create or replace function _wedding_dbopt.redundant_indexes() returns table(indexrelid oid, covered_by oid)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with described as (
    select pg_index.indexrelid, pg_index.indrelid, pg_index.indisunique,
           exists (select from pg_constraint where conindid = pg_index.indexrelid) as is_constraint,
           concat_ws('|', pg_class.relam, indkey::text, indclass::text, indcollation::text, indoption::text,
                     pg_get_expr(indexprs, indrelid), pg_get_expr(indpred, indrelid), indnkeyatts) as shape
    from pg_index
    join pg_class on pg_class.oid = pg_index.indexrelid
    where indisvalid and not indisexclusion
  )
  select extra.indexrelid, min(keeper.indexrelid)
  from described as extra
  join described as keeper
    on keeper.indrelid = extra.indrelid and keeper.shape = extra.shape and keeper.indexrelid <> extra.indexrelid
   and (keeper.indisunique, keeper.is_constraint, - keeper.indexrelid::bigint)
     > (extra.indisunique, extra.is_constraint, - extra.indexrelid::bigint)
  where not extra.is_constraint
  group by extra.indexrelid
$$;
comment on function _wedding_dbopt.redundant_indexes() is
  'Valid indexes that equal another index of the same table in method, columns, order, expressions and predicate; of two equals the unique one, the constraint''s or the older one stays.';
