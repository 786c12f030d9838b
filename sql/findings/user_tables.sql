-- From the catalogue and the statistics functions alone: no table is opened, no lock waited for. The planner inlines the
-- body, so a check pays for the columns that it reads.
create or replace function _wedding_dbopt.user_tables()
returns table (relid oid, name text, schema_name name, table_name name, kind "char", is_partition boolean, pages integer,
  all_visible integer, tuples float8, options text[], row_security boolean, owner oid, live bigint, dead bigint,
  modified bigint, inserted bigint, updated bigint, deleted bigint, hot_updated bigint, last_vacuum timestamptz,
  last_analyze timestamptz)
language sql stable parallel safe security invoker
begin atomic
  select c.oid, format('%I.%I', s.schema_name, c.relname), s.schema_name, c.relname, c.relkind, c.relispartition,
    c.relpages, c.relallvisible, greatest(c.reltuples, 0)::float8, c.reloptions, c.relrowsecurity, c.relowner,
    pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid), pg_stat_get_mod_since_analyze(c.oid),
    pg_stat_get_tuples_inserted(c.oid), pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),
    pg_stat_get_tuples_hot_updated(c.oid),
    greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)),
    greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))
  from _wedding_dbopt.user_schemas() s
  join pg_catalog.pg_class c on c.relnamespace = s.schema_id
  where c.relkind in ('r', 'p', 'm', 'v', 'f') and c.relpersistence <> 't'
    and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e');
end;
comment on function _wedding_dbopt.user_tables() is
  'Tables, views and their like that findings() judges, with the counters of the statistics system; tuples and pages are those of the last vacuum or analyze.';
