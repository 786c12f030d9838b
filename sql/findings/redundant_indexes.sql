-- Expressions and predicates are compared as parse trees without the places in the text they came from: nothing is
-- spelled, so no table is locked. The rank is total, so of equals exactly one stays, and what stays is never redundant itself.
create or replace function _wedding_dbopt.redundant_indexes() returns table(indexrelid oid, covered_by oid, is_equal boolean)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with described as (
    select pg_index.indexrelid, pg_index.indrelid, pg_index.indisunique, pg_am.amname = 'btree' as is_ordered,
           indisreplident or indisclustered or exists (select from pg_constraint where conindid = pg_index.indexrelid) as is_bound,
           -- PostgreSQL 15 brought this column.
           coalesce((to_jsonb(pg_index) ->> 'indnullsnotdistinct')::boolean, false) as is_strict,
           pg_index.indnkeyatts, pg_index.indnatts,
           (select array_agg(concat_ws(' ', indkey[place], indclass[place], indcollation[place], indoption[place]) order by place)
            from generate_series(0, indnkeyatts - 1) as place) as keys,
           (indkey::smallint[])[indnkeyatts:] as included, (indkey::smallint[]) as columns,
           regexp_replace(coalesce(indexprs::text, ''), ':location -?\d+', '', 'g') as expressions,
           concat_ws('|', pg_class.relam, regexp_replace(indpred::text, ':location -?\d+', '', 'g')) as kind
    from pg_index
    join pg_class on pg_class.oid = pg_index.indexrelid
    join pg_am on pg_am.oid = pg_class.relam
    where indisvalid and not indisexclusion and not pg_class.relispartition
  ), pair as (
    select extra.indexrelid, keeper.indexrelid as covered_by,
           extra.keys = keeper.keys and keeper.included <@ extra.columns as is_equal,
           row (keeper.indisunique, keeper.is_bound, - keeper.indexrelid::bigint)
             > row (extra.indisunique, extra.is_bound, - extra.indexrelid::bigint) as keeper_first,
           extra.keys <> keeper.keys or extra.indisunique <= keeper.indisunique as keeper_suffices
    from described as extra
    join described as keeper
      on keeper.indrelid = extra.indrelid and keeper.kind = extra.kind and keeper.indexrelid <> extra.indexrelid
     and keeper.is_strict >= extra.is_strict
     and case when extra.keys = keeper.keys then extra.expressions = keeper.expressions
              else extra.is_ordered and not extra.indisunique and extra.expressions = '' and keeper.indnkeyatts > extra.indnkeyatts
                   and keeper.keys[:extra.indnkeyatts] = extra.keys end
     and extra.included <@ keeper.columns
    where not extra.is_bound
  )
  select distinct on (pair.indexrelid) pair.indexrelid, pair.covered_by, pair.is_equal
  from pair
  where case when pair.is_equal then pair.keeper_first else pair.keeper_suffices end
  order by pair.indexrelid, pair.is_equal desc, pair.covered_by
$$;
comment on function _wedding_dbopt.redundant_indexes() is
  'Valid indexes whose work another index of the same table does: it equals them in method, columns, order, expressions and predicate, or (B-tree) begins with all their columns; of equals the unique one, the constraint''s or the older one stays.';
