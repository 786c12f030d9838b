-- The hour before the deed against all whole passes since it was done. What others than the changed role did is the control.
create or replace function _wedding_dbopt.guard_figures(action_id bigint, at timestamptz)
returns table (calls_before bigint, calls_after bigint, ratio float8, others_ratio float8, per_second_before float8, per_second_after float8,
               active_before numeric, active_after numeric, memory_before numeric, memory_after numeric)
language sql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
  with deed as (
    select a.started_at, a.applied_at, (select r.oid from pg_roles r where a.object_kind = 'role' and r.rolname = a.object_name) as role,
           (select min(s.at) from _wedding_dbopt.statement_sample s where s.at >= a.applied_at) as first_pass
    from _wedding_dbopt.action a where a.id = guard_figures.action_id
  ), paired as (
    select s.userid, b.calls as b_calls, b.exec_ms as b_ms, f.calls as f_calls, f.exec_ms as f_ms
    from deed d
    cross join lateral _wedding_dbopt.statement_time(d.started_at - interval '1 hour', d.started_at) b
    join lateral _wedding_dbopt.statement_time(d.first_pass, guard_figures.at) f on f.statement_id = b.statement_id
    join _wedding_dbopt.statement s on s.id = b.statement_id and not s.own and s.dbid = (select o.oid from pg_database o where o.datname = current_database())
    where b.calls >= 5 and f.calls >= 5 and b.exec_ms > 0
  ), ours as (
    select p.* from paired p, deed d where d.role is null or p.userid = d.role
  ), span as (
    select sum(extract(epoch from s.at - s.previous_at)) filter (where s.at <= d.started_at) as before,
           sum(extract(epoch from s.at - s.previous_at)) filter (where s.at > d.first_pass) as after
    from deed d join _wedding_dbopt.statement_sample s on s.previous_at is not null and s.at <= guard_figures.at
      and (s.at > d.first_pass or s.at > d.started_at - interval '1 hour' and s.at <= d.started_at)
  ), session as (
    select avg(coalesce(c.active_avg, c.active)) filter (where c.at <= d.started_at) as before, avg(coalesce(c.active_avg, c.active)) filter (where c.at > d.first_pass) as after
    from deed d join _wedding_dbopt.connection_sample c on c.at <= guard_figures.at and (c.at > d.first_pass or c.at > d.started_at - interval '1 hour' and c.at <= d.started_at)
  ), machine as (
    select min(m.memory_available::numeric / m.memory_total) filter (where m.at <= d.started_at) as before, min(m.memory_available::numeric / m.memory_total) filter (where m.at > d.first_pass) as after
    from deed d join _wedding_dbopt.system_sample m on m.memory_total > 0 and m.at <= guard_figures.at and (m.at > d.first_pass or m.at > d.started_at - interval '1 hour' and m.at <= d.started_at)
  )
  select (select sum(o.b_calls) from ours o)::bigint, (select sum(o.f_calls) from ours o)::bigint,
         -- Both sides with the calls after the change: another mix of statements is no slowness.
         (select sum(o.f_ms) / sum(o.f_calls * o.b_ms / o.b_calls) from ours o),
         (select sum(p.f_ms) / sum(p.f_calls * p.b_ms / p.b_calls) from paired p, deed d where d.role is not null and p.userid <> d.role having sum(p.f_calls) >= 100),
         (select sum(p.b_calls) from paired p) / nullif(span.before, 0)::float8, (select sum(p.f_calls) from paired p) / nullif(span.after, 0)::float8,
         session.before, session.after, machine.before, machine.after
  from span, session, machine
$$;
comment on function _wedding_dbopt.guard_figures(bigint, timestamptz) is
  'How the whole load fared since an action: time per call against the hour before at the same mix of statements (of the changed role, and of the others), calls per second, sessions at work, share of memory available.';
