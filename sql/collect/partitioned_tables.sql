create or replace function _wedding_dbopt.partitioned_tables() returns text[]
language sql immutable parallel safe security invoker
set search_path = pg_catalog, pg_temp as $$
  select array['statement_sample', 'context_sample', 'table_sample', 'index_sample', 'connection_sample', 'lock_sample', 'replica_sample', 'resource_sample', 'wait_profile_sample', 'filter_sample', 'system_sample', 'collect_log']
$$;
comment on function _wedding_dbopt.partitioned_tables() is 'The tables of raw samples, partitioned by day of their column at.';
