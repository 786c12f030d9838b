-- A refresh counts as inserts into the view, a concurrent one as inserts and deletes; without any, nobody refreshed it.
create or replace function _wedding_dbopt.view_use(since timestamptz, until timestamptz)
returns table (relid oid, name text, schema_name text, view text, scans bigint, changed bigint, refreshes bigint, unique_index boolean, populated boolean, hours float8)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with used as materialized (
    select d.relid, sum(d.seq_scan + coalesce(d.idx_scan, 0))::bigint as scans, sum(d.inserted + d.updated + d.deleted)::bigint as changed
    from _wedding_dbopt.table_delta(view_use.since, view_use.until) d group by d.relid
  ), span as (
    select extract(epoch from max(s.at) - min(coalesce(s.previous_at, s.at)))::float8 / 3600 as hours
    from _wedding_dbopt.table_sample s where s.at > view_use.since and s.at <= view_use.until
  )
  select held.relid, held.name, held.schema_name::text, held.table_name::text, coalesce(own.scans, 0),
         coalesce((select sum(base.changed)
                   from (select distinct d.refobjid from pg_rewrite r
                         join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> held.relid
                         where r.ev_class = held.relid) b
                   join used base on base.relid = b.refobjid), 0)::bigint,
         coalesce(own.changed, 0),
         exists (select from pg_index i where i.indrelid = held.relid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null),
         (select c.relispopulated from pg_class c where c.oid = held.relid), coalesce(span.hours, 0)
  from _wedding_dbopt.user_tables() held cross join span left join used own on own.relid = held.relid
  where held.kind = 'm'
$$;
comment on function _wedding_dbopt.view_use(timestamptz, timestamptz) is
  'Each materialised view in a window: scans of it, rows that changed in the tables behind it, rows that a refresh wrote, and whether it could be refreshed while it is read.';
