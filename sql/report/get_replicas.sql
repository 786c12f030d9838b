create or replace function wedding_dbopt.get_replicas()
returns table(name text, added_at timestamptz, fetched_at timestamptz, failed_at timestamptz, reason text, indexes_used bigint, used_only_there bigint)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select replica.name, replica.added_at, replica.fetched_at, replica.failed_at, replica.reason,
         count(used.relid), count(used.relid) filter (where pg_stat_get_numscans(used.relid) = 0)
  from _wedding_dbopt.replica
  left join (_wedding_dbopt.replica_use as used join pg_class on pg_class.oid = used.relid and pg_class.relkind = 'i')
    on used.replica = replica.name and used.scans > 0
  group by replica.name
  order by replica.name
$$;
comment on function wedding_dbopt.get_replicas() is
  'The read replicas: when their use was last fetched, why the last try failed, how many indexes were used there, and how many of these never here.';
