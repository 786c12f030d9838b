create or replace function _wedding_dbopt.horizon_holders() returns table (name text, age integer, since timestamptz)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select format('%s, pid %s', backend_type, pid), greatest(age(backend_xmin), age(backend_xid)), xact_start from pg_stat_activity
  where pid <> pg_backend_pid() and backend_type <> 'autovacuum worker' and coalesce(datname, current_database()) = current_database()
    and (backend_xmin is not null or backend_xid is not null)
  union all
  select format('prepared transaction %s', gid), age(transaction), prepared from pg_prepared_xacts where database = current_database()
  union all
  select format('replication slot %s', slot_name), greatest(age(xmin), age(catalog_xmin)), null from pg_replication_slots
  where xmin is not null or catalog_xmin is not null
$$;
comment on function _wedding_dbopt.horizon_holders() is
  'Sessions, standbys, prepared transactions and replication slots that hold a snapshot, and how many transactions old it is: rows that died since cannot be removed.';
