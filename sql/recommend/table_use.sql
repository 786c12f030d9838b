create or replace function _wedding_dbopt.table_use(since timestamptz, until timestamptz)
returns table (relid oid, name text, schema_name text, table_name text, pages integer, tuples float8, live bigint, dead bigint, options text[],
               inserted bigint, updated bigint, deleted bigint, hot_updated bigint, most_dead bigint, indexes integer, indexed_columns text[],
               xid_share float8, hours float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with used as materialized (
    select d.relid, sum(d.inserted)::bigint as inserted, sum(d.updated)::bigint as updated, sum(d.deleted)::bigint as deleted,
           sum(d.hot_updated)::bigint as hot_updated, max(d.dead) as most_dead
    from _wedding_dbopt.table_delta(table_use.since, table_use.until) d group by d.relid
  ), span as (
    select extract(epoch from max(s.at) - min(coalesce(s.previous_at, s.at)))::float8 / 3600 as hours
    from _wedding_dbopt.table_sample s where s.at > table_use.since and s.at <= table_use.until
  )
  select held.relid, held.name, held.schema_name::text, held.table_name::text, held.pages, held.tuples, held.live, held.dead, held.options,
         coalesce(used.inserted, 0), coalesce(used.updated, 0), coalesce(used.deleted, 0), coalesce(used.hot_updated, 0), coalesce(used.most_dead, 0),
         (select count(*) from pg_index i where i.indrelid = held.relid)::integer,
         -- What an index depends on: keys, expressions and predicates.
         array(select distinct a.attname::text from pg_index i
               join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = i.indexrelid and d.refclassid = 'pg_class'::regclass and d.refobjid = held.relid
               join pg_attribute a on a.attrelid = held.relid and a.attnum = d.refobjsubid
               where i.indrelid = held.relid
               union
               select a.attname::text from pg_index i cross join unnest(i.indkey::smallint[]) as part
               join pg_attribute a on a.attrelid = held.relid and a.attnum = part where i.indrelid = held.relid),
         (select age(c.relfrozenxid)::float8 from pg_class c where c.oid = held.relid)
           / coalesce(substring(array_to_string(held.options, ' ') from 'autovacuum_freeze_max_age=(\d+)'), current_setting('autovacuum_freeze_max_age'))::float8,
         coalesce(span.hours, 0)
  from _wedding_dbopt.user_tables() held cross join span left join used on used.relid = held.relid
  where held.kind in ('r', 'm', 'p')
$$;
comment on function _wedding_dbopt.table_use(timestamptz, timestamptz) is
  'Each table of the user: rows, pages and options now, what was done to it in a window, the most dead rows seen, the columns that its indexes depend on, and its age as a share of autovacuum_freeze_max_age.';
