-- pg_sequence_last_value() keeps its lock to the end of the transaction. In a subtransaction that is rolled back it is
-- held for microseconds, and the values leave in a variable.
create or replace function _wedding_dbopt.sequence_values() returns table (relid oid, last_value bigint)
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
declare
  relids oid[];
  found  bigint[];
begin
  relids := array(
    select pg_class.oid
    from _wedding_dbopt.user_schemas() as held
    join pg_class on pg_class.relnamespace = held.schema_id and pg_class.relkind = 'S' and pg_class.relpersistence <> 't'
    where case when pg_class.relkind = 'S' then has_sequence_privilege(pg_class.oid, 'select, usage') end
      and not exists (select from _wedding_dbopt.locked_relations() as locked where locked = pg_class.oid));
  begin
    found := array(select pg_sequence_last_value(item.relid) from unnest(relids) with ordinality as item (relid, place) order by item.place);
    raise exception using errcode = 'WD000', message = 'the locks are given back';
  exception when sqlstate 'WD000' then
    return query select part.relid, part.value from unnest(relids, found) as part (relid, value);
  end;
end $$;
comment on function _wedding_dbopt.sequence_values() is 'The last value of each sequence that the caller may read and that nobody is changing; null where none was taken yet.';
