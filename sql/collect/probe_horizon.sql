-- What keeps vacuum from removing dead rows: the oldest snapshot of a session, a standby's feedback, a replication slot or
-- a prepared transaction. The oldest table is looked for once an hour, in the catalogue.
create or replace function _wedding_dbopt.probe_horizon(at timestamptz) returns jsonb
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  oldest _wedding_dbopt.system_last;
  facts  jsonb;
begin
  select * into oldest from _wedding_dbopt.system_last l
  where l.source = 'oldest table' and l.reset_at > probe_horizon.at - interval '1 hour' and l.reset_at <= probe_horizon.at;
  if oldest.source is null then
    insert into _wedding_dbopt.system_last as l (source, reset_at, counters)
    select 'oldest table', probe_horizon.at, array[c.oid::bigint, age(c.relfrozenxid)]
    from pg_class c where c.relkind in ('r', 'm', 't') and c.relfrozenxid <> '0'
    order by age(c.relfrozenxid) desc limit 1
    on conflict (source) do update set reset_at = excluded.reset_at, counters = excluded.counters
    returning * into oldest;
  end if;
  with prepared as (
    select count(*) as transactions, extract(epoch from probe_horizon.at - min(p.prepared)) as oldest_s from pg_prepared_xacts p
  ), session as materialized (
    select a.pid, a.backend_type, a.state, a.backend_xmin, a.backend_xid from pg_stat_get_activity(null) a
    where a.pid <> pg_backend_pid()
  ), holder as (
    select greatest(age(s.backend_xmin), age(s.backend_xid)) as xids, format('%s, pid %s', s.backend_type, s.pid) as name
    from session s
    where s.backend_type <> 'autovacuum worker' and (s.backend_xmin is not null or s.backend_xid is not null)
    union all
    select greatest(age(r.xmin), age(r.catalog_xmin)), format('replication slot %s', r.slot_name)
    from pg_replication_slots r where r.xmin is not null or r.catalog_xmin is not null
    union all
    select age(p.transaction), format('prepared transaction %s', p.gid) from pg_prepared_xacts p
  )
  select jsonb_build_object(
    'xid_age', (select max(age(d.datfrozenxid)) from pg_database d),
    'multixact_age', (select max(mxid_age(d.datminmxid)) from pg_database d),
    'oldest_table', oldest.counters[1], 'oldest_table_age', oldest.counters[2],
    'xmin_age', coalesce(held.xids, 0), 'xmin_holder', held.name,
    'prepared_transactions', prepared.transactions, 'oldest_prepared_s', round(prepared.oldest_s, 3),
    'autovacuum_workers', (select count(*) from session s where s.backend_type = 'autovacuum worker'))
  into facts
  from prepared left join (select h.xids, h.name from holder h order by h.xids desc limit 1) as held on true;
  return facts;
end $$;
comment on function _wedding_dbopt.probe_horizon(timestamptz) is
  'Ages of transaction ids and multixacts, who holds the oldest snapshot, prepared transactions and workers of autovacuum.';
