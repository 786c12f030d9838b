-- Straight from the function behind pg_stat_activity: the view joins the catalogues of roles and databases. A statement of
-- an idle session is over, so it is not named. Workers of a parallel query wait for their statement, but are no connections.
create or replace function _wedding_dbopt.sample_sessions(at timestamptz) returns integer
language plpgsql volatile security invoker
set search_path = pg_catalog, pg_temp as $$
declare
  waiting integer;
begin
  with session as (
    select a.usesysid, _wedding_dbopt.session_label(a.application_name) as application, a.datid,
      case when a.backend_type = 'parallel worker' then 'worker'
           when a.state = 'fastpath function call' then 'active'
           when a.state = 'idle in transaction (aborted)' then 'idle in transaction'
           else a.state end as state,
      case when a.state = 'active' then a.wait_event_type || ':' || a.wait_event end as wait,
      case when a.state = 'active' then a.query_id end as queryid,
      greatest(extract(epoch from sample_sessions.at - a.backend_start)::float8, 0) as age_s,
      case when a.state = 'active' then greatest(extract(epoch from sample_sessions.at - a.query_start)::float8, 0) end as query_s,
      case when a.xact_start is not null then greatest(extract(epoch from sample_sessions.at - a.xact_start)::float8, 0) end as transaction_s
    from pg_stat_get_activity(null) a
    where a.backend_type in ('client backend', 'parallel worker') and a.pid <> pg_backend_pid()
  ), stored as (
    insert into _wedding_dbopt.session_sample
      (at, usesysid, application, state, wait, queryid, dbid, sessions, age_sum_s, age_max_s, query_max_s, transaction_max_s)
    select sample_sessions.at, s.usesysid, s.application, s.state, s.wait, s.queryid, s.datid, count(*), sum(s.age_s),
      max(s.age_s), max(s.query_s), max(s.transaction_s)
    from session s
    group by s.usesysid, s.application, s.state, s.wait, s.queryid, s.datid
    union all
    select sample_sessions.at, null, null, null, null, null, null, 0, null, null, null, null
    returning state, wait, sessions
  )
  select sum(s.sessions) filter (where s.state = 'active' and s.wait like 'Lock:%') into waiting from stored s;
  return coalesce(waiting, 0);
end $$;
comment on function _wedding_dbopt.sample_sessions(timestamptz) is
  'Takes one sample of the sessions, without our own one, and returns how many of them wait for a lock.';
