create or replace function _wedding_dbopt.sample_transactions(at timestamptz) returns void
language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
begin
  delete from _wedding_dbopt.open_transaction t where t.at < sample_transactions.at - interval '10 minutes';
  insert into _wedding_dbopt.open_transaction (at, pid, role, application, queryid, idle_s, transaction_s, xmin_age, locks)
  select sample_transactions.at, a.pid, pg_get_userbyid(a.usesysid), a.application_name, a.query_id, extract(epoch from sample_transactions.at - a.state_change),
    extract(epoch from sample_transactions.at - a.xact_start), greatest(age(a.backend_xmin), age(a.backend_xid)),
    (select count(distinct l.relation) from pg_locks l where l.pid = a.pid and l.locktype = 'relation' and l.mode <> 'AccessShareLock')
  from pg_stat_get_activity(null) a
  where a.state like 'idle in transaction%' and a.pid <> pg_backend_pid()
    and a.datid = (select d.oid from pg_database d where d.datname = current_database())
    and a.state_change <= sample_transactions.at - (select 0.8 * coalesce(r.warning, r.critical)::float8 * interval '1 second'
                                                    from _wedding_dbopt.alert_rule r where r.kind = 'idle_in_transaction' and r.enabled)
  order by a.state_change limit 20;
end $$;
comment on function _wedding_dbopt.sample_transactions(timestamptz) is
  'Notes the sessions that have been idle inside a transaction nearly as long as the rule idle_in_transaction allows, with their locks.';
