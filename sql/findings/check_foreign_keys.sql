-- A partitioned table cannot be indexed concurrently as a whole: its partitions are, and then attached.
create or replace function _wedding_dbopt.check_foreign_keys(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with reference as (
    select held.relid, held.name, held.table_name, held.kind, held.tuples, pg_constraint.conname, pg_constraint.conkey, pg_constraint.confkey,
           pg_constraint.confrelid, pg_constraint.confdeltype, parent.name as parent_name, parent.deleted as parent_deleted,
           _wedding_dbopt.column_names(held.relid, pg_constraint.conkey) as columns
    from _wedding_dbopt.user_tables() as held
    join pg_constraint on pg_constraint.conrelid = held.relid and pg_constraint.contype = 'f' and pg_constraint.conparentid = 0
    join _wedding_dbopt.user_tables() as parent on parent.relid = pg_constraint.confrelid
  ), unindexed as (
    select distinct on (reference.relid, reference.columns) reference.*,
           left(format('%s_%s', reference.table_name, replace(replace(reference.columns, ', ', '_'), '"', '')), 58) || '_idx' as index_name
    from reference
    where not exists (
      select from pg_index
      where pg_index.indrelid = reference.relid and pg_index.indpred is null  -- an invalid one is a finding of its own
        and (pg_index.indkey::smallint[])[0:cardinality(reference.conkey) - 1] @> reference.conkey
        and (pg_index.indkey::smallint[])[0:cardinality(reference.conkey) - 1] <@ reference.conkey)
    order by reference.relid, reference.columns, reference.parent_deleted desc
  ), mismatch as (
    select reference.*, child_column.attname as child_column, parent_column.attname as parent_column,
           format_type(child_column.atttypid, child_column.atttypmod) as child_type,
           format_type(parent_column.atttypid, parent_column.atttypmod) as parent_type,
           parent_column.atttypid in ('int2'::regtype, 'int4'::regtype) and child_column.atttypid in ('int4'::regtype, 'int8'::regtype)
             and (parent_column.atttypid, child_column.atttypid) <> ('int4'::regtype::oid, 'int2'::regtype::oid) as parent_is_narrower
    from reference
    cross join unnest(reference.conkey, reference.confkey) as pair (child, parent)
    join pg_attribute as child_column on child_column.attrelid = reference.relid and child_column.attnum = pair.child
    join pg_attribute as parent_column on parent_column.attrelid = reference.confrelid and parent_column.attnum = pair.parent
    where child_column.atttypid <> parent_column.atttypid
      and not exists (select from pg_cast where castsource = child_column.atttypid and casttarget = parent_column.atttypid and castmethod = 'b')
  )
  select 'unindexed_foreign_key',
         case when unindexed.tuples >= 1000 and (unindexed.parent_deleted > 0 or unindexed.confdeltype in ('c', 'n', 'd') or unindexed.tuples >= 100000)
              then 'warning' else 'info' end,
         format('%s.%s', unindexed.name, replace(unindexed.columns, ', ', '+')), unindexed.relid, null::integer[], null::text,
         format('No index begins with %s of %s (%s rows): each row deleted from %s, and each join along the foreign key %I, reads the whole table. Deleted there so far: %s.',
                unindexed.columns, unindexed.name, round(unindexed.tuples), unindexed.parent_name, unindexed.conname, unindexed.parent_deleted),
         jsonb_build_object('constraint', unindexed.conname, 'rows', unindexed.tuples, 'references', unindexed.parent_name, 'deleted', unindexed.parent_deleted),
         case when unindexed.kind <> 'p' then format('create index concurrently on %s (%s)', unindexed.name, unindexed.columns)
              else format('create index %I on only %s (%s)', unindexed.index_name, unindexed.name, unindexed.columns)
                || coalesce((select string_agg(format(E';\ncreate index concurrently %I on %s (%s);\nalter index %s attach partition %s', part.index_name, part.name, unindexed.columns,
                                            format('%I.%I', part.parent_schema, unindexed.index_name), format('%I.%I', part.schema, part.index_name)), '' order by part.name)
                             from (select format('%I.%I', child_schema.nspname, child.relname) as name, child_schema.nspname as schema, parent_schema.nspname as parent_schema,
                                          left(child.relname || '_' || replace(replace(unindexed.columns, ', ', '_'), '"', ''), 58) || '_idx' as index_name
                                   from pg_inherits
                                   join pg_class as child on child.oid = pg_inherits.inhrelid
                                   join pg_namespace as child_schema on child_schema.oid = child.relnamespace
                                   join pg_class as parent on parent.oid = pg_inherits.inhparent
                                   join pg_namespace as parent_schema on parent_schema.oid = parent.relnamespace
                                   where pg_inherits.inhparent = unindexed.relid) as part), '') end
  from unindexed
  union all
  select 'foreign_key_type_mismatch', 'warning', format('%s.%I', mismatch.name, mismatch.child_column), mismatch.relid, null, null,
         format('%s.%I is %s but refers to %s.%I, which is %s: each comparison converts, and an index on one side may not serve the other. The change rewrites a table under an exclusive lock.',
                mismatch.name, mismatch.child_column, mismatch.child_type, mismatch.parent_name, mismatch.parent_column, mismatch.parent_type),
         jsonb_build_object('constraint', mismatch.conname, 'type', mismatch.child_type, 'referenced_type', mismatch.parent_type),
         case when mismatch.parent_is_narrower
              then format('alter table %s alter column %I type %s', mismatch.parent_name, mismatch.parent_column, mismatch.child_type)
              else format('alter table %s alter column %I type %s using %2$I::%3$s', mismatch.name, mismatch.child_column, mismatch.parent_type) end
  from mismatch;
end $$;
comment on function _wedding_dbopt.check_foreign_keys(timestamptz) is
  'Findings: foreign keys without an index, and those whose two columns differ in type.';
