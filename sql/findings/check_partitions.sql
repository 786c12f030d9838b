-- Bounds hold no column, so they are spelled without a relation, and none is locked.
create or replace function _wedding_dbopt.check_partitions(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with part as materialized (
    select held.relid as parent, held.name as parent_name, held.table_name, held.schema_name, child.oid, child.relname, format('%I.%I', child_schema.nspname, child.relname) as name,
           child_schema.nspname as child_schema, pg_get_expr(child.relpartbound, 0) as bound, greatest(pg_stat_get_live_tuples(child.oid), child.reltuples::bigint) as live
    from _wedding_dbopt.user_tables() as held
    join pg_inherits on pg_inherits.inhparent = held.relid
    join pg_class as child on child.oid = pg_inherits.inhrelid
    join pg_namespace as child_schema on child_schema.oid = child.relnamespace
    where held.kind = 'p'
  ), ranged as (
    select part.parent, part.parent_name, part.table_name, part.schema_name, pg_attribute.atttypid::regtype as type,
           (regexp_match(part.bound, 'FROM \(''(\d[^'']*)''\) TO \(''(\d[^'']*)''\)'))[1] as lower,
           (regexp_match(part.bound, 'FROM \(''(\d[^'']*)''\) TO \(''(\d[^'']*)''\)'))[2] as upper,
           bool_or(part.bound = 'DEFAULT') over (partition by part.parent) as has_default
    from part
    join pg_partitioned_table as scheme on scheme.partrelid = part.parent and scheme.partstrat = 'r' and scheme.partnatts = 1
    join pg_attribute on pg_attribute.attrelid = part.parent and pg_attribute.attnum = scheme.partattrs[0]
    where pg_attribute.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
  ), newest as (
    select distinct on (ranged.parent) ranged.*, ranged.lower::timestamptz as begins, ranged.upper::timestamptz as ends,
           age(ranged.upper::timestamptz, ranged.lower::timestamptz) as width
    from ranged where ranged.upper is not null
    order by ranged.parent, ranged.upper::timestamptz desc
  ), lone as (
    -- An index made with ON ONLY stays invalid until each partition has one attached.
    select held.relid, held.name as table_name, index.oid, index.relname, format('%I.%I', held.schema_name, index.relname) as name
    from _wedding_dbopt.user_tables() as held
    join pg_index on pg_index.indrelid = held.relid and not pg_index.indisvalid
    join pg_class as index on index.oid = pg_index.indexrelid and index.relkind = 'I'
    where held.kind = 'p'
  ), lacking as (
    select lone.*, part.oid as part, part.name as part_name, part.child_schema,
           left(part.relname || '_' || lone.relname, 63) as part_index
    from lone join part on part.parent = lone.relid
    where not exists (select from pg_inherits join pg_index on pg_index.indexrelid = pg_inherits.inhrelid
                      where pg_inherits.inhparent = lone.oid and pg_index.indrelid = part.oid)
      and lone.relid not in (select locked from _wedding_dbopt.locked_relations() as locked)
  ), single as (
    -- Indexes of partitions that belong to none of the whole. Without expressions and conditions, whose spelling would lock.
    select part.parent, part.parent_name, part.schema_name, part.table_name, part.oid, part.child_schema, index.relname,
           substring(pg_get_indexdef(index.oid) from ' (USING .*)$') as body, pg_index.indisunique,
           (select string_agg(pg_attribute.attname, '_' order by place) from unnest(pg_index.indkey) with ordinality as k (attnum, place)
            join pg_attribute on pg_attribute.attrelid = part.oid and pg_attribute.attnum = k.attnum) as words
    from part
    join pg_index on pg_index.indrelid = part.oid and pg_index.indisvalid and pg_index.indexprs is null and pg_index.indpred is null
    join pg_class as index on index.oid = pg_index.indexrelid and index.relkind = 'i' and not index.relispartition
    where not exists (select from pg_constraint where conindid = index.oid)
  ), apart as (
    select single.parent, single.parent_name, single.schema_name, single.body, single.indisunique, count(distinct single.oid) as partitions,
           format('%I', left(min(single.table_name) || '_' || min(single.words), 54) || '_whole') as name,
           array_agg(distinct format('%I.%I', single.child_schema, single.relname)) as indexes
    from single
    group by single.parent, single.parent_name, single.schema_name, single.body, single.indisunique
    having count(distinct single.oid) > 1 and count(distinct single.oid) = count(*)
       and count(*) = (select count(*) from part where part.parent = single.parent)
  )
  select 'default_partition_filled', 'warning', part.name, part.parent, null::integer[], null::text,
         format('%s rows of %s fell into its default partition: no other takes them, a new partition cannot be made for their values, and each new one reads them all. Move them to a partition of their own in one transaction with its creation.',
                part.live, part.parent_name),
         jsonb_build_object('rows', part.live), null::text
  from part where part.bound = 'DEFAULT' and part.live > 0
  union all
  select 'no_future_partition', case when newest.ends <= check_partitions.at then 'critical' else 'warning' end, newest.parent_name, newest.parent, null, null,
         format('The last partition of %s ends at %s%s.', newest.parent_name, newest.upper,
                case when newest.has_default then ': what comes later falls into the default partition' else ': what comes later cannot be stored' end),
         jsonb_build_object('ends', newest.upper, 'has_default', newest.has_default),
         format('create table %I.%I partition of %s for values from (%L) to (%L)', newest.schema_name,
                left(newest.table_name, 50) || '_p' || to_char(newest.ends, 'YYYYMMDD'), newest.parent_name, newest.upper,
                case newest.type when 'date'::regtype then (newest.ends + newest.width)::date::text when 'timestamp'::regtype then (newest.ends + newest.width)::timestamp::text
                                 else (newest.ends + newest.width)::text end)
  from newest
  where newest.ends - check_partitions.at < least(newest.width, interval '7 days')
  union all
  select 'partition_without_index', 'warning', lacking.name, lacking.relid, null, null,
         format('The index %s of %s is not valid, because %s partitions have no part of it: %s. Queries there read whole partitions.', lacking.name, lacking.table_name,
                count(*), string_agg(lacking.part_name, ', ' order by lacking.part_name)),
         jsonb_build_object('partitions', jsonb_agg(lacking.part_name)),
         string_agg(format(E'create %sindex concurrently %I on %s %s;\nalter index %s attach partition %I.%I',
                           case when pg_index.indisunique then 'unique ' else '' end, lacking.part_index, lacking.part_name,
                           substring(pg_get_indexdef(lacking.oid) from ' (USING .*)$'), lacking.name, lacking.child_schema, lacking.part_index),
                    E';\n' order by lacking.part_name)
  from lacking join pg_index on pg_index.indexrelid = lacking.oid
  group by lacking.name, lacking.relid, lacking.table_name
  union all
  select 'partition_indexes_apart', 'info', apart.parent_name, apart.parent, null, null,
         format('Each of the %s partitions of %s has an index %s, and the whole has none: a new partition begins without it.', apart.partitions, apart.parent_name, apart.body),
         jsonb_build_object('indexes', apart.indexes),
         format('create %sindex %s on only %s %s', case when apart.indisunique then 'unique ' else '' end, apart.name, apart.parent_name, apart.body)
           || (select string_agg(format(E';\nalter index %I.%s attach partition %s', apart.schema_name, apart.name, index), '' order by index)
               from unnest(apart.indexes) as index)
  from apart
  where not apart.indisunique  -- a unique index of the whole must hold the key of the partitions
    and not exists (select from pg_class where relname = trim('"' from apart.name) and relnamespace = apart.schema_name::regnamespace);
end $$;
comment on function _wedding_dbopt.check_partitions(timestamptz) is
  'Findings: rows in a default partition, no partition for what comes next, partitions without an index of the whole, indexes of all partitions that the whole does not know of.';
