-- By name: a physical replica has our oids, a logical one has its own. Its first figures are a base line; what was used
-- before that counts as used, at a time that nobody knows.
create or replace function _wedding_dbopt.store_replica_use(replica text, at timestamptz, use jsonb) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  previous timestamptz;
begin
  update _wedding_dbopt.replica r set fetched_at = store_replica_use.at, failed_at = null, reason = null
  from _wedding_dbopt.replica old
  where r.name = store_replica_use.replica and old.name = r.name
  returning old.fetched_at into previous;
  with counted as (
    select c.oid as relid, u.scans, u.tuples,
      u.scans - case when k.counter <= u.scans then k.counter else 0 end as more,
      u.tuples - case when k.counter <= u.scans and k.tuples <= u.tuples then k.tuples else 0 end as more_tuples, k.relid is null as unknown
    from jsonb_to_recordset(store_replica_use.use) as u (schema text, name text, scans bigint, tuples bigint)
    join pg_namespace n on n.nspname = u.schema
    join pg_class c on c.relnamespace = n.oid and c.relname = u.name
    left join _wedding_dbopt.replica_use k on k.replica = store_replica_use.replica and k.relid = c.oid
    where n.nspname not in ('wedding_dbopt', '_wedding_dbopt')
  ), kept as (
    insert into _wedding_dbopt.replica_use as k (replica, relid, scans, counter, tuples, used_at)
    select store_replica_use.replica, c.relid, c.scans, c.scans, c.tuples, case when c.scans > 0 then store_replica_use.at end
    from counted c
    on conflict on constraint replica_use_pkey do update
      set scans = k.scans + case when k.counter <= excluded.counter then excluded.counter - k.counter else excluded.counter end,
          used_at = case when k.counter = excluded.counter then k.used_at when excluded.counter > 0 then excluded.used_at else k.used_at end,
          counter = excluded.counter, tuples = excluded.tuples
  )
  insert into _wedding_dbopt.replica_sample (at, previous_at, replica, relids, scans, tuples)
  select store_replica_use.at, previous, store_replica_use.replica, array_agg(c.relid order by c.relid),
    array_agg(c.more order by c.relid), array_agg(c.more_tuples order by c.relid)
  from counted c
  where previous is not null and c.more > 0
  having count(*) > 0;
  delete from _wedding_dbopt.replica_use k
  where k.replica = store_replica_use.replica and not exists (select from pg_class c where c.oid = k.relid);
end $$;
comment on function _wedding_dbopt.store_replica_use(text, timestamptz, jsonb) is
  'Stores what a replica told of its indexes and tables: the growth since the last fetch and the sum of all.';
