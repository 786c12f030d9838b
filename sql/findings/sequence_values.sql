-- pg_sequence_last_value() keeps its lock to the end of the transaction, whatever subtransaction it stands in.
create or replace function _wedding_dbopt.sequence_values() returns table (relid oid, last_value bigint)
language sql stable security invoker set search_path = pg_catalog, pg_temp as $$
  select pg_class.oid, _wedding_dbopt.sequence_value(pg_class.oid)
  from _wedding_dbopt.user_schemas() as held
  join pg_class on pg_class.relnamespace = held.schema_id and pg_class.relkind = 'S' and pg_class.relpersistence <> 't'
  where case when pg_class.relkind = 'S' then has_sequence_privilege(pg_class.oid, 'select') end
    and not exists (select from _wedding_dbopt.locked_relations() as locked where locked = pg_class.oid)
$$;
comment on function _wedding_dbopt.sequence_values() is 'The last value of each sequence that the caller may read and that nobody is changing; null where none was taken yet.';
