-- Expressions and predicates are compared as parse trees without the places in the text they came from: nothing is
-- spelled, so no table is locked. The rank is total, so of equals exactly one stays. What replaces another is no redundant one itself: to do
-- the work of another passes on, so at the end of each chain stands one that does it too. And it is there to stay: not hidden, not
-- on trial, not bound to a season.
create or replace function _wedding_dbopt.redundant_indexes(asked oid default null) returns table(indexrelid oid, covered_by oid, is_equal boolean)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp as $$
  with described as (
    select pg_index.indexrelid, pg_index.indrelid, pg_index.indisunique, pg_am.amname = 'btree' as is_ordered,
           indisreplident or indisclustered or exists (select from pg_constraint where conindid = pg_index.indexrelid) as is_bound,
           indisvalid and not exists (
             select from _wedding_dbopt.action as made
             join pg_namespace on pg_namespace.nspname = made.schema_name
             where made.action_type in ('index_creation', 'index_renewal') and made.object_name = pg_class.relname and pg_namespace.oid = pg_class.relnamespace
               and (made.state in ('applying', 'verifying') or made.state = 'kept' and (made.season is not null or made.rollback_requested))) as is_lasting,
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
    where (indisvalid or pg_index.indexrelid = redundant_indexes.asked) and not indisexclusion and not pg_class.relispartition
      and (redundant_indexes.asked is null or indrelid = (select one.indrelid from pg_index as one where one.indexrelid = redundant_indexes.asked))
  ), pair as (
    select extra.indexrelid, keeper.indexrelid as covered_by,
           extra.keys = keeper.keys and keeper.included <@ extra.columns as is_equal,
           row (keeper.indisunique, keeper.is_bound, keeper.is_lasting, - keeper.indexrelid::bigint)
             > row (extra.indisunique, extra.is_bound, extra.is_lasting, - extra.indexrelid::bigint) as keeper_first,
           extra.keys <> keeper.keys or extra.indisunique <= keeper.indisunique as keeper_suffices
    from described as extra
    join described as keeper
      on keeper.indrelid = extra.indrelid and keeper.kind = extra.kind and keeper.indexrelid <> extra.indexrelid
     and keeper.is_strict >= extra.is_strict
     and case when extra.keys = keeper.keys then extra.expressions = keeper.expressions
              else extra.is_ordered and not extra.indisunique and extra.expressions = '' and keeper.indnkeyatts > extra.indnkeyatts
                   and keeper.keys[:extra.indnkeyatts] = extra.keys end
     and extra.included <@ keeper.columns
    where not extra.is_bound and keeper.is_lasting
  ), redundant as materialized (
    select pair.indexrelid, pair.covered_by, pair.is_equal from pair
    where case when pair.is_equal then pair.keeper_first else pair.keeper_suffices end
  )
  select distinct on (redundant.indexrelid) redundant.indexrelid, redundant.covered_by, redundant.is_equal
  from redundant
  where redundant.covered_by not in (select other.indexrelid from redundant as other)
  order by redundant.indexrelid, redundant.is_equal desc, redundant.covered_by
$$;
comment on function _wedding_dbopt.redundant_indexes(oid) is
  'Valid indexes whose work another index of the same table does, which is there to stay: it equals them in method, columns, order, expressions and predicate, or (B-tree) begins with all their columns; of equals the unique one, the constraint''s, that not on trial or the older one stays. Asked for one index, also a hidden one, it looks at its table alone.';
