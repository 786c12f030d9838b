-- The busiest five minutes of the window decide: what they needed is what today's load needs.
create or replace function _wedding_dbopt.capacity_use(since timestamptz, until timestamptz)
returns table (calls_per_minute float8, busy numeric, held numeric, connections integer, usable integer, cpu numeric, cpus integer,
               cpu_idle numeric, memory_total bigint, memory_free bigint, backend_memory bigint, io_sessions numeric, passes integer)
language sql stable parallel safe security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with load as materialized (
    select date_bin('5 minutes', p.at - interval '1 microsecond', capacity_use.since) as slot, p.at,
           sum(p.calls) as calls, sum(p.exec_ms) as exec_ms, max(extract(epoch from p.at - p.previous_at))::float8 as seconds
    from _wedding_dbopt.context_sample p
    where p.at > capacity_use.since and p.at <= capacity_use.until and p.previous_at < p.at
    group by p.at
  ), slot as (
    select sum(l.calls) * 60 / sum(l.seconds) as calls, sum(l.exec_ms) / 1000 / sum(l.seconds) as executing from load l group by l.slot
  ), session as materialized (
    select c.at, date_bin('5 minutes', c.at - interval '1 microsecond', capacity_use.since) as slot,
           coalesce(c.active_avg, c.active) as active, coalesce(c.idle_in_transaction_avg, c.idle_in_transaction) as held,
           greatest(c.total_max, c.total) as total, c.max_connections - c.reserved as usable,
           (select sum(w.value::numeric) from jsonb_each_text(c.wait_events) w where w.key like 'IO:%') / coalesce(c.samples, 1) as io
    from _wedding_dbopt.connection_sample c
    where c.at > capacity_use.since and c.at <= capacity_use.until
  ), session_slot as (
    select avg(s.active) as active, avg(s.held) as held, max(s.total) as total, avg(coalesce(s.io, 0)) as io from session s group by s.slot
  ), machine as materialized (
    select m.at, date_bin('5 minutes', m.at - interval '1 microsecond', capacity_use.since) as slot, m.cpu_percent, m.cpus,
           m.memory_total, m.memory_available, m.backend_memory
    from _wedding_dbopt.system_sample m
    where m.at > capacity_use.since and m.at <= capacity_use.until
  ), machine_slot as (
    select avg(m.cpu_percent) as cpu from machine m group by m.slot
  ), line as (  -- what the machine does without any load of ours: the line through the minutes, where they tell one
    select regr_intercept(m.cpu_percent::float8, l.calls::float8 * 60 / l.seconds) as at_rest, regr_r2(m.cpu_percent::float8, l.calls::float8 * 60 / l.seconds) as fit
    from load l join machine m on m.at = l.at
  )
  select (select max(slot.calls) from slot)::float8,
         round(greatest((select max(slot.executing) from slot)::numeric, (select max(s.active) from session_slot s)), 3),
         round((select max(s.held) from session_slot s), 3),
         (select max(s.total) from session_slot s)::integer,
         (select s.usable from session s order by s.at desc limit 1),
         round((select max(m.cpu) from machine_slot m), 1),
         (select m.cpus from machine m where m.cpus is not null order by m.at desc limit 1),
         round((select case when line.fit >= 0.3 then least(greatest(line.at_rest, 0), (select max(m.cpu) from machine_slot m)::float8 * 0.9) end from line)::numeric, 1),
         (select m.memory_total from machine m where m.memory_total is not null order by m.at desc limit 1),
         (select min(m.memory_available) from machine m),
         (select m.backend_memory from machine m where m.backend_memory is not null order by m.at desc limit 1),
         round((select max(s.io) from session_slot s), 3),
         (select count(*) from load)::integer
$$;
comment on function _wedding_dbopt.capacity_use(timestamptz, timestamptz) is
  'What the busiest five minutes of a window used: calls, sessions busy on average (by the sessions seen and by Little''s law from execution times, the greater), sessions held by open transactions, connections, CPU and what of it is there without load, memory, sessions waiting for I/O.';
