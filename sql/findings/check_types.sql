create or replace function _wedding_dbopt.check_types(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with held_column as materialized (
    select held.relid, held.name, pg_attribute.attname, pg_attribute.attnum, pg_attribute.atttypid, pg_attribute.atttypmod, quote_ident(pg_attribute.attname) as column_name
    from _wedding_dbopt.user_tables() as held
    join pg_attribute on pg_attribute.attrelid = held.relid and pg_attribute.attnum > 0 and not pg_attribute.attisdropped
    where held.kind in ('r', 'p') and not held.is_partition
  ), fault (kind, severity, relid, name, column_name, why, change) as (
    select 'timestamp_without_time_zone', 'warning', held.relid, held.name, held.column_name,
           'without a time zone, so what moment they mean depends on who reads: around the change of the clock, or with guests abroad, appointments move. The remedy takes what is stored for local time of '
             || current_setting('TimeZone') || '; it rewrites the table under an exclusive lock',
           format('alter column %s type timestamptz using %1$s at time zone %L', held.column_name, current_setting('TimeZone'))
    from held_column as held where held.atttypid = 'timestamp'::regtype
    union all
    select 'money_type', 'warning', held.relid, held.name, held.column_name,
           'of type money, whose currency and fraction depend on the setting lc_monetary of whoever reads; the remedy rewrites the table under an exclusive lock',
           format('alter column %s type numeric(14, 2) using %1$s::numeric(14, 2)', held.column_name)
    from held_column as held where held.atttypid = 'money'::regtype
    union all
    select 'padded_text', 'info', held.relid, held.name, held.column_name,
           'of type char(n), padded with blanks that take room and get lost in comparisons; the remedy rewrites the table under an exclusive lock',
           format('alter column %s type text using rtrim(%1$s::text)', held.column_name)
    from held_column as held where held.atttypid = 'bpchar'::regtype and held.atttypmod > 4 + 3
    union all
    select 'json_type', 'info', held.relid, held.name, held.column_name,
           'of type json, which is read from its text anew for each value taken out of it, as statements here do; jsonb is not. The remedy rewrites the table under an exclusive lock',
           format('alter column %s type jsonb using %1$s::jsonb', held.column_name)
    from held_column as held
    where held.atttypid = 'json'::regtype
      and exists (select from _wedding_dbopt.statement
                  where held.name = any (statement.tables) and _wedding_dbopt.statement_query(statement.id) ~ '->|#>|json_')
    union all
    select 'type_without_upgrade', 'info', held.relid, held.name, held.column_name,
           'of a type that refers to the catalogue by number; pg_upgrade refuses such a database',
           format('alter column %s type text using %1$s::text', held.column_name)
    from held_column as held
    where held.atttypid in ('regcollation'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype, 'regnamespace'::regtype,
                            'regoper'::regtype, 'regoperator'::regtype, 'regproc'::regtype, 'regprocedure'::regtype)
  ), serial as (
    select held.relid, held.name, held.column_name, _wedding_dbopt.table_name(owned.objid) as sequence
    from held_column as held
    join pg_attrdef on pg_attrdef.adrelid = held.relid and pg_attrdef.adnum = held.attnum
    join pg_depend as owned on owned.classid = 'pg_class'::regclass and owned.refclassid = 'pg_class'::regclass
     and owned.refobjid = held.relid and owned.refobjsubid = held.attnum and owned.deptype = 'a'
    join pg_depend as used on used.classid = 'pg_attrdef'::regclass and used.objid = pg_attrdef.oid
     and used.refclassid = 'pg_class'::regclass and used.refobjid = owned.objid
    where held.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  )
  select fault.kind, fault.severity, fault.name, fault.relid, null::integer[], null::text,
         format('%s: %s %s %s.', fault.name, string_agg(fault.column_name, ', ' order by fault.column_name),
                case when count(*) = 1 then 'is' else 'are' end, fault.why),
         jsonb_build_object('columns', jsonb_agg(fault.column_name order by fault.column_name)),
         format('alter table %s %s', fault.name, string_agg(fault.change, ', ' order by fault.column_name))
  from fault
  group by fault.kind, fault.severity, fault.name, fault.relid, fault.why
  union all
  select 'serial_column', 'info', format('%s.%s', serial.name, serial.column_name), serial.relid, null, null,
         format('%s of %s is a serial: rights on its sequence have to be given apart, and a copy of the table shares it. An identity column has neither trouble.',
                serial.column_name, serial.name),
         jsonb_build_object('sequence', serial.sequence),
         format('alter table %1$s alter column %2$s drop default;
drop sequence %3$s;
alter table %1$s alter column %2$s add generated by default as identity;
select setval(pg_get_serial_sequence(%4$L, %5$L), coalesce(max(%2$s), 0) + 1, false) from %1$s',
                serial.name, serial.column_name, serial.sequence, serial.name,
                (parse_ident(serial.column_name))[1])
  from serial;
end $$;
comment on function _wedding_dbopt.check_types(timestamptz) is 'Findings: column types that cost room, time or truth; one per table and type.';
