-- Packs the samples of the sessions since the last pass, with one taken now, into one row. Roles and applications are
-- bounded to the eight busiest, statements to 200: what is beyond is summed up.
create or replace function _wedding_dbopt.sample_connections(at timestamptz) returns void
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  since timestamptz;
begin
  perform _wedding_dbopt.sample_sessions(sample_connections.at);
  select greatest(max(s.at), sample_connections.at - interval '2 minutes') into since
  from _wedding_dbopt.connection_sample s where s.at < sample_connections.at;

  with sample as materialized (
    select s.* from _wedding_dbopt.session_sample s
    where s.at > coalesce(since, '-infinity') and s.at <= sample_connections.at
  ), moment as (  -- where all hide what they do nothing is known, which is not the same as zero
    select c.at, case when c.told then c.active end as active, case when c.told then c.idle end as idle,
      case when c.told then c.idle_in_transaction end as idle_in_transaction, case when c.told then c.waiting end as waiting,
      c.total, c.age_sum_s
    from (
      select s.at, coalesce(sum(s.sessions) filter (where s.state = 'active'), 0) as active,
        coalesce(sum(s.sessions) filter (where s.state = 'idle'), 0) as idle,
        coalesce(sum(s.sessions) filter (where s.state = 'idle in transaction'), 0) as idle_in_transaction,
        coalesce(sum(s.sessions) filter (where s.state = 'active' and s.wait like 'Lock:%'), 0) as waiting,
        coalesce(sum(s.sessions) filter (where s.state is distinct from 'worker'), 0) as total,
        coalesce(bool_or(s.state <> 'disabled') filter (where s.sessions > 0 and s.state is distinct from 'worker'), true) as told,
        sum(s.age_sum_s) filter (where s.state is distinct from 'worker') as age_sum_s
      from sample s group by s.at) c
  ), summary as (
    select min(m.at) as first_at, count(*) as samples,
      sum(m.active) filter (where m.at = sample_connections.at) as active,
      sum(m.idle) filter (where m.at = sample_connections.at) as idle,
      sum(m.idle_in_transaction) filter (where m.at = sample_connections.at) as idle_in_transaction,
      sum(m.waiting) filter (where m.at = sample_connections.at) as waiting,
      sum(m.total) filter (where m.at = sample_connections.at) as total,
      max(m.active) as active_max, avg(m.active) as active_avg, max(m.idle) as idle_max, avg(m.idle) as idle_avg,
      max(m.idle_in_transaction) as idle_in_transaction_max, avg(m.idle_in_transaction) as idle_in_transaction_avg,
      max(m.waiting) as waiting_max, avg(m.waiting) as waiting_avg, max(m.total) as total_max, avg(m.total) as total_avg,
      sum(m.age_sum_s / nullif(m.total, 0)) filter (where m.at = sample_connections.at) as avg_age_s
    from moment m
  ), grouped as (
    select g.kind, g.name, s.at, sum(s.sessions) as total,
      sum(case when s.state = 'active' then s.sessions else 0 end) filter (where s.state is distinct from 'disabled') as active,
      sum(case when s.state = 'active' and s.wait like 'Lock:%' then s.sessions else 0 end) filter (where s.state is distinct from 'disabled') as waiting
    from sample s
    cross join lateral (values ('role', coalesce(pg_get_userbyid(s.usesysid)::text, '(unknown)')), ('application', coalesce(s.application, '(unknown)'))) as g (kind, name)
    where s.sessions > 0 and s.state is distinct from 'worker'
    group by g.kind, g.name, s.at
  ), ranked as (
    select g.*, dense_rank() over (partition by g.kind order by g.busy desc, g.name) <= 8 as named
    from (select o.*, sum(o.total) over (partition by o.kind, o.name) as busy from grouped o) as g
  ), bounded as (
    select r.kind, case when r.named then r.name else '(other)' end as name, r.at, sum(r.total) as total, sum(r.active) as active,
      sum(r.waiting) as waiting
    from ranked r group by 1, 2, 3
  ), described as (
    select b.kind, b.name, jsonb_build_object('max', max(b.total), 'avg', round(sum(b.total) / (select y.samples from summary y), 2),
      'active_max', max(b.active), 'active_avg', round(sum(b.active) / (select y.samples from summary y), 2),
      'waiting_max', max(b.waiting)) as facts
    from bounded b group by b.kind, b.name
  ), waited as (
    select s.queryid, s.dbid, s.wait, sum(s.sessions)::integer as sessions
    from sample s where s.state in ('active', 'worker')
    group by s.queryid, s.dbid, s.wait
  ), statement_rank as (
    select w.queryid, w.dbid, row_number() over (order by sum(w.sessions) desc, w.queryid) <= 200 as named
    from waited w where w.queryid is not null group by w.queryid, w.dbid
  ), packed as (
    select case when r.named then w.queryid end as queryid, case when r.named then w.dbid end as dbid, w.wait,
      sum(w.sessions)::integer as sessions
    from waited w left join statement_rank r using (queryid, dbid)
    group by 1, 2, 3
  )
  insert into _wedding_dbopt.connection_sample
    (at, first_at, samples, active, idle, idle_in_transaction, waiting, total, active_max, active_avg, idle_max, idle_avg,
     idle_in_transaction_max, idle_in_transaction_avg, waiting_max, waiting_avg, total_max, total_avg, max_connections,
     reserved, avg_age_s, max_connection_s, max_query_s, max_transaction_s, by_role, by_application, wait_events,
     wait_queryids, wait_dbids, waits, wait_samples)
  select sample_connections.at, y.first_at, y.samples, y.active, y.idle, y.idle_in_transaction, y.waiting, y.total,
    y.active_max, round(y.active_avg, 3), y.idle_max, round(y.idle_avg, 3), y.idle_in_transaction_max,
    round(y.idle_in_transaction_avg, 3), y.waiting_max, round(y.waiting_avg, 3), y.total_max, round(y.total_avg, 3),
    current_setting('max_connections')::integer,
    current_setting('superuser_reserved_connections')::integer
      + coalesce(current_setting('reserved_connections', true)::integer, 0),
    round(y.avg_age_s::numeric, 3), round(a.connection_s::numeric, 3), round(a.query_s::numeric, 3), round(a.transaction_s::numeric, 3),
    (select jsonb_object_agg(d.name, d.facts) from described d where d.kind = 'role'),
    (select jsonb_object_agg(d.name, d.facts) from described d where d.kind = 'application'),
    (select jsonb_object_agg(w.wait, w.sessions)
     from (select p.wait, sum(p.sessions) as sessions from packed p where p.wait is not null group by p.wait) as w),
    p.queryids, p.dbids, p.waits, p.samples
  from summary y
  cross join (select max(s.age_max_s) filter (where s.state is distinct from 'worker') as connection_s, max(s.query_max_s) as query_s,
                max(s.transaction_max_s) as transaction_s from sample s) as a
  cross join (select array_agg(w.queryid order by w.queryid, w.wait) as queryids, array_agg(w.dbid order by w.queryid, w.wait) as dbids,
                array_agg(w.wait order by w.queryid, w.wait) as waits, array_agg(w.sessions order by w.queryid, w.wait) as samples
              from packed w) as p;

  insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason)
  select sample_connections.at, 'connections: states', case when h.hidden = h.total then '55000' end,
    format('track_activities is off: what %s of %s sessions do is not known', h.hidden, h.total)
  from (select sum(s.sessions) filter (where s.state = 'disabled') as hidden, sum(s.sessions) as total
        from _wedding_dbopt.session_sample s where s.at = sample_connections.at) h
  where h.hidden > 0;
  delete from _wedding_dbopt.session_sample s where s.at <= sample_connections.at;
end $$;
comment on function _wedding_dbopt.sample_connections(timestamptz) is
  'Stores the client connections since the last pass: greatest and average number by state, role and application, their ages, and what the active ones waited for, by statement.';
