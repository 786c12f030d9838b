create or replace function _wedding_dbopt.check_keys(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with keyless as (
    select held.relid, held.name, held.tuples,
           (select candidate.indexrelid
            from pg_index as candidate
            where candidate.indrelid = held.relid and candidate.indisunique and candidate.indisvalid and candidate.indimmediate
              and candidate.indpred is null and candidate.indexprs is null
              and not exists (select from pg_attribute as part
                              where part.attrelid = held.relid and part.attnum = any (candidate.indkey) and not part.attnotnull)
            order by candidate.indnkeyatts, candidate.indexrelid limit 1) as candidate
    from _wedding_dbopt.user_tables() as held
    where held.kind in ('r', 'p') and not held.is_partition
      and not exists (select from pg_index where indrelid = held.relid and indisprimary)
  ), sequence as (
    select pg_sequence.seqrelid as oid, _wedding_dbopt.table_name(pg_sequence.seqrelid) as name, pg_sequence.seqincrement, pg_sequence.seqmin, pg_sequence.seqmax,
           used.last_value
    from _wedding_dbopt.sequence_values() as used
    join pg_sequence on pg_sequence.seqrelid = used.relid
    where used.last_value is not null and not pg_sequence.seqcycle
  ), fed as (
    select pg_depend.objid as sequence, pg_depend.refobjid as relid, pg_depend.refobjsubid as attnum
    from pg_depend
    where classid = 'pg_class'::regclass and refclassid = 'pg_class'::regclass and deptype in ('a', 'i') and refobjsubid > 0
    union
    select pg_depend.refobjid, pg_attrdef.adrelid, pg_attrdef.adnum
    from pg_depend join pg_attrdef on pg_attrdef.oid = pg_depend.objid
    where classid = 'pg_attrdef'::regclass and refclassid = 'pg_class'::regclass
  ), filling as (
    select sequence.name, sequence.last_value, sequence.seqincrement > 0 as rises, sequence.seqmin, sequence.seqmax, fed.relid, pg_attribute.attname, pg_attribute.atttypid,
           case when sequence.seqincrement > 0
                then least(sequence.seqmax, case pg_attribute.atttypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647 end)
                else greatest(sequence.seqmin, case pg_attribute.atttypid when 'int2'::regtype then -32768 when 'int4'::regtype then -2147483648 end) end as last_possible
    from sequence
    left join fed on fed.sequence = sequence.oid
    left join pg_attribute on pg_attribute.attrelid = fed.relid and pg_attribute.attnum = fed.attnum
  )
  select 'no_primary_key', 'warning', keyless.name, keyless.relid, null::integer[], null::text,
         format('%s has no primary key: one of two equal rows cannot be changed alone, and logical replication refuses its updates and deletes.', keyless.name),
         jsonb_build_object('rows', keyless.tuples),
         case when keyless.candidate is null then
                format('alter table %s add column %I bigint generated always as identity primary key', keyless.name,
                       case when exists (select from pg_attribute where attrelid = keyless.relid and attname = 'id' and not attisdropped)
                            then 'row_id' else 'id' end)
              when exists (select from pg_constraint where conindid = keyless.candidate) then
                format('alter table %s add primary key (%s)', keyless.name,
                       (select string_agg(quote_ident(attname), ', ' order by place)
                        from pg_index, unnest(indkey[0:indnkeyatts - 1]) with ordinality as part (attnum, place)
                        join pg_attribute on pg_attribute.attrelid = keyless.relid and pg_attribute.attnum = part.attnum
                        where indexrelid = keyless.candidate))
              else format('alter table %s add primary key using index %I', keyless.name,
                          (select relname from pg_class where oid = keyless.candidate)) end
  from keyless
  union all
  select case when filling.atttypid in ('int2'::regtype, 'int4'::regtype) then 'integer_overflow' else 'sequence_exhaustion' end,
         case when filling.last_value / filling.last_possible::numeric >= 0.9 then 'critical' else 'warning' end,
         case when filling.relid is null then filling.name
              else format('%s.%I', _wedding_dbopt.table_name(filling.relid), filling.attname) end,
         filling.relid, null, null,
         format('%s of %s values are used (%s %%). At the last one every insert fails.%s',
                to_char(filling.last_value, 'FM999,999,999,999,999,999,999'), to_char(filling.last_possible, 'FM999,999,999,999,999,999,999'),
                round(100.0 * filling.last_value / filling.last_possible, 1),
                case when filling.atttypid in ('int2'::regtype, 'int4'::regtype)
                     then ' Changing the type rewrites the table under an exclusive lock: choose a quiet hour.' else '' end),
         jsonb_build_object('last_value', filling.last_value, 'last_possible', filling.last_possible),
         concat_ws(E';\n',
           case when filling.atttypid in ('int2'::regtype, 'int4'::regtype)
                then format('alter table %s alter column %I type bigint', _wedding_dbopt.table_name(filling.relid), filling.attname) end,
           case when filling.rises and filling.seqmax < 9223372036854775807
                then format('alter sequence %s as bigint maxvalue 9223372036854775807', filling.name)
                when not filling.rises and filling.seqmin > -9223372036854775808
                then format('alter sequence %s as bigint minvalue -9223372036854775808', filling.name) end)
  from filling
  where filling.last_possible <> 0 and filling.last_value / filling.last_possible::numeric >= 0.7
  union all
  select 'unvalidated_constraint', 'warning', format('%s.%I', held.name, pg_constraint.conname), held.relid, null, null,
         format('The constraint %I of %s was never checked against the rows that were there before it, and the planner may not rely on it.',
                pg_constraint.conname, held.name),
         jsonb_build_object('rows', held.tuples),
         format('alter table %s validate constraint %I', held.name, pg_constraint.conname)
  from _wedding_dbopt.user_tables() as held
  join pg_constraint on pg_constraint.conrelid = held.relid
  where not pg_constraint.convalidated and pg_constraint.conparentid = 0;
end $$;
comment on function _wedding_dbopt.check_keys(timestamptz) is
  'Findings: tables without a primary key, keys and sequences near their last value, constraints never validated.';
