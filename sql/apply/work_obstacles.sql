-- Every rule that keeps heavy work from beginning. `until` is the moment the rule itself names; null where nobody knows it.
-- An emergency (missed_contexts) overrides what protects from additional load, not what would make the work fail.
create or replace function _wedding_dbopt.work_obstacles(at timestamptz, bytes bigint default 0)
returns table (kind text, reason text, until timestamptz, yields boolean)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with bound as materialized (
    select _wedding_dbopt.setting_value('time_zone') as zone, _wedding_dbopt.setting_value('work_max_cpu')::numeric as cpu,
           _wedding_dbopt.setting_value('work_max_io_sessions')::numeric as io, _wedding_dbopt.setting_value('min_disk_free')::numeric as disk,
           _wedding_dbopt.setting_value('long_transaction_limit')::interval as old
  ), machine as (  -- half of the window must have been seen: a few passes say nothing of half an hour
    select avg(s.cpu_percent) as cpu
    from _wedding_dbopt.system_sample s where s.at > work_obstacles.at - interval '30 minutes' and s.at <= work_obstacles.at
    having max(s.at) - min(s.at) >= interval '15 minutes' and count(s.cpu_percent) >= 5
  ), waiting as (
    select avg(coalesce((select sum(w.value::numeric) from jsonb_each_text(c.wait_events) w where w.key like 'IO:%'), 0) / greatest(c.samples, 1)) as sessions
    from _wedding_dbopt.connection_sample c where c.at > work_obstacles.at - interval '30 minutes' and c.at <= work_obstacles.at
    having max(c.at) - min(c.at) >= interval '15 minutes' and count(*) >= 5
  ), room as (
    select s.disk_free - work_obstacles.bytes as free, s.disk_total as total
    from _wedding_dbopt.system_sample s where s.disk_free is not null and s.at <= work_obstacles.at order by s.at desc limit 1
  ), oldest as (
    select a.pid, a.usename, work_obstacles.at - a.xact_start as age
    from pg_stat_activity a
    where a.pid <> pg_backend_pid() and a.backend_type = 'client backend' and a.datname = current_database() and a.xact_start is not null
    order by a.xact_start limit 1
  ), hour as (
    select c.class, c.factor from bound b
    join _wedding_dbopt.hour_classes() c on c.hour_of_week = _wedding_dbopt.hour_of_week(work_obstacles.at, b.zone)
  )
  select 'surge', format('%s surges: %s times the usual since %s', case s.context when 'all' then 'everything' else s.context end, round(s.factor::numeric, 1),
           to_char(s.began_at at time zone b.zone, 'YYYY-MM-DD HH24:MI')), null::timestamptz, true
  from bound b, lateral (select * from _wedding_dbopt.surges_on(work_obstacles.at) o order by o.factor desc limit 1) s
  union all
  select 'freeze', format('freeze %s: %s', f.name, f.reason), f.until, true
  from _wedding_dbopt.freezes_between(work_obstacles.at, work_obstacles.at + interval '1 second') f
  where f.since <= work_obstacles.at
  union all
  select h.class || '_hour', format('this hour of the week usually has %s times the mean load', round(h.factor::numeric, 2)), _wedding_dbopt.next_quiet(work_obstacles.at), true
  from hour h where h.class <> 'quiet'
  union all
  select 'load', format('the CPU was %s %% busy in the last half hour, the bound is %s %%', round(m.cpu), b.cpu), null, true
  from bound b, machine m where m.cpu > b.cpu
  union all
  select 'load', format('%s sessions waited for I/O in the last half hour, the bound is %s', round(w.sessions, 1), b.io), null, true
  from bound b, waiting w where w.sessions > b.io
  union all
  select 'disk', format('%s bytes would be left of the disk''s %s, %s %% must stay free', r.free, r.total, round(100 * b.disk)), null, false
  from bound b, room r where r.free < b.disk * r.total
  union all
  select 'long_transaction', format('a transaction of %s (process %s) is %s s old and would hold the work up', o.usename, o.pid, extract(epoch from o.age)::integer), null, false
  from bound b, oldest o where o.age > b.old
$$;
comment on function _wedding_dbopt.work_obstacles(timestamptz, bigint) is
  'Why no heavy work should begin at a time: surge, freeze, peak or busy hour, load, disk, long transaction; until when, where that is known, and whether it yields to an emergency. bytes is what the work adds to the disk.';
