-- pg_blocking_pids() stops the lock manager for a moment, so it is asked only for those that wait, and for a hundred at most.
create or replace function _wedding_dbopt.sample_locks(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from pg_stat_get_activity(null) a where a.wait_event_type = 'Lock') then
    return;
  end if;
  with recursive waiter as materialized (
    select distinct on (l.pid) l.pid, greatest(extract(epoch from sample_locks.at - l.waitstart), 0) as wait_s, l.mode,
      case when l.database = (select d.oid from pg_database d where d.datname = current_database()) then l.relation end as relid
    from pg_locks l
    where not l.granted
    order by l.pid, l.waitstart
  ), edge as materialized (
    select w.pid, blocker.pid as blocker
    from (select o.pid from waiter o order by o.wait_s desc nulls last limit 100) as w
    cross join lateral unnest(pg_blocking_pids(w.pid)) as blocker (pid)
  ), tree (root, pid) as (
    select e.blocker, e.pid from edge e where e.blocker not in (select w.pid from waiter w)
    union
    select t.root, e.pid from tree t join edge e on e.blocker = t.pid
  ), root as (
    select t.root as pid, count(*)::integer as blocked, max(w.wait_s) as longest_s,
      (array_agg(w.relid order by w.wait_s desc nulls last) filter (where w.relid is not null))[1] as relid,
      (array_agg(w.mode order by w.wait_s desc nulls last))[1] as mode
    from tree t join waiter w using (pid)
    group by t.root
  )
  insert into _wedding_dbopt.lock_sample
    (at, waiting, longest_wait_s, root_pids, root_queryids, root_dbids, root_roles, root_states, root_transaction_s, blocked,
     longest_s, relids, modes)
  select sample_locks.at, (select count(*) from waiter), (select round(max(w.wait_s), 3) from waiter w),
    array_agg(r.pid order by r.blocked desc, r.pid), array_agg(a.query_id order by r.blocked desc, r.pid),
    array_agg(a.datid order by r.blocked desc, r.pid), array_agg(a.usesysid order by r.blocked desc, r.pid),
    array_agg(a.state order by r.blocked desc, r.pid),
    array_agg(round(extract(epoch from sample_locks.at - a.xact_start), 3) order by r.blocked desc, r.pid),
    array_agg(r.blocked order by r.blocked desc, r.pid), array_agg(round(r.longest_s, 3) order by r.blocked desc, r.pid),
    array_agg(r.relid order by r.blocked desc, r.pid), array_agg(r.mode order by r.blocked desc, r.pid)
  from root r left join pg_stat_get_activity(null) a on a.pid = r.pid
  having (select count(*) from waiter) > 0;
end $$;
comment on function _wedding_dbopt.sample_locks(timestamptz) is
  'Stores who waits for a lock and which sessions stand at the root of it; nothing when nobody waits.';
