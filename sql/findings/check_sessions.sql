-- The session that blocks others is the cause; that it idles inside a transaction is said with it, in one finding.
create or replace function _wedding_dbopt.check_sessions(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with session as materialized (
    select pid, usename, application_name, state, wait_event_type, xact_start, query_start, backend_xmin,
           extract(epoch from clock_timestamp() - xact_start) as transaction_s,
           extract(epoch from clock_timestamp() - state_change) as state_s,
           extract(epoch from clock_timestamp() - query_start) as query_s,
           extract(epoch from _wedding_dbopt.setting_value('long_transaction_limit')::interval) as limit_s
    from pg_stat_activity
    where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()
      and application_name <> 'wedding_dbopt executor' and pid not in (select collecting.pid from _wedding_dbopt.collecting_sessions() as collecting)
  ), waiting as materialized (
    select session.pid, session.query_s, blocker
    from session, unnest(pg_blocking_pids(session.pid)) as blocker
    where session.wait_event_type = 'Lock'
  ), root as (
    select waiting.blocker as pid, count(distinct waiting.pid) as victims, max(waiting.query_s) as longest
    from waiting
    where waiting.blocker not in (select pid from waiting) and waiting.blocker > 0
    group by waiting.blocker
  ), behind as (
    select count(distinct waiting.pid) as sessions from waiting
  ), used as (
    select * from wedding_dbopt.get_connection_stats(check_sessions.at)
  ), holder as (
    select count(*) as holders from session where session.backend_xmin is not null and session.transaction_s > session.limit_s
  )
  select 'connections', case when used.connection_utilization >= 90 then 'critical' else 'warning' end, 'server', null::oid, null::integer[], null::text,
         format('%s of %s usable connections are in use (%s %%).', used.total, used.usable, used.connection_utilization),
         jsonb_build_object('total', used.total, 'usable', used.usable, 'idle', used.idle),
         'select wedding_dbopt.analyze_load_patterns() -> ''scale_recommendation'''
  from used where used.connection_utilization >= 70
  union all
  select 'lock_waits', case when root.longest >= 60 then 'critical' else 'warning' end, format('pid %s', root.pid), null, null, format('pid %s', root.pid),
         format('Session %s (%s, %s) stands at the root of %s of %s sessions that wait for a lock, the longest for %s s.', root.pid,
                coalesce(session.usename, 'another role'), coalesce(session.state, 'state hidden'), root.victims, behind.sessions, round(root.longest, 1)),
         jsonb_build_object('pid', root.pid, 'blocked_directly', root.victims, 'waiting', behind.sessions, 'longest_s', round(root.longest, 1)),
         format('select pg_terminate_backend(%s)', root.pid)
  from root cross join behind left join session on session.pid = root.pid
  union all
  select 'idle_in_transaction', case when session.state_s >= 3600 then 'critical' else 'warning' end, format('pid %s (%s)', session.pid, session.usename), null, null,
         case when session.backend_xmin is not null and session.transaction_s > session.limit_s and holder.holders = 1 then 'horizon'
              else format('pid %s', session.pid) end,
         format('Session %s (%s) has been idle inside a transaction for %s minutes: it keeps its locks%s.', session.pid, session.usename, round(session.state_s / 60, 1),
                case when session.backend_xmin is not null then ', and rows that died since cannot be removed' else '' end),
         jsonb_build_object('pid', session.pid, 'idle_s', round(session.state_s, 1), 'transaction_s', round(session.transaction_s, 1)),
         format('select pg_terminate_backend(%s)', session.pid)
  from session, holder
  where session.state like 'idle in transaction%' and session.state_s > session.limit_s / 5
  union all
  select 'long_transaction', case when session.transaction_s >= 12 * session.limit_s then 'critical' else 'warning' end,
         format('pid %s (%s)', session.pid, session.usename), null, null,
         case when session.backend_xmin is not null and holder.holders = 1 then 'horizon' else format('pid %s', session.pid) end,
         format('A transaction of session %s (%s) has been open for %s minutes, its statement runs for %s: dead rows stay and concurrent index builds wait.',
                session.pid, session.usename, round(session.transaction_s / 60, 1), round(session.query_s / 60, 1)),
         jsonb_build_object('pid', session.pid, 'transaction_s', round(session.transaction_s, 1), 'query_s', round(session.query_s, 1)),
         format('select pg_terminate_backend(%s)', session.pid)
  from session, holder
  where session.state not like 'idle in transaction%' and session.transaction_s > session.limit_s
    and session.pid not in (select pid from waiting)  -- who blocks it is the finding
  union all
  select 'prepared_transaction', case when prepared.prepared < clock_timestamp() - interval '1 hour' then 'critical' else 'warning' end,
         prepared.gid, null, null, 'horizon',
         format('The prepared transaction %s of %s waits since %s for its COMMIT PREPARED: it keeps its locks, and rows that died since cannot be removed.',
                prepared.gid, prepared.owner, to_char(prepared.prepared, 'YYYY-MM-DD HH24:MI TZ')),
         jsonb_build_object('gid', prepared.gid, 'owner', prepared.owner, 'prepared', prepared.prepared),
         format('rollback prepared %L', prepared.gid)
  from pg_prepared_xacts as prepared
  where prepared.database = current_database()
    and prepared.prepared < clock_timestamp() - _wedding_dbopt.setting_value('long_transaction_limit')::interval
  union all
  select 'lock_pile_up', 'warning', 'locks', null, null, null,
         format('In the last 15 minutes up to %s sessions waited for a lock at once, the longest %s s.', max(sample.waiting), round(max(sample.longest_wait_s), 1)),
         jsonb_build_object('waiting', max(sample.waiting), 'longest_s', max(sample.longest_wait_s)),
         'select * from wedding_dbopt.get_lock_waits(''15 minutes'')'
  from _wedding_dbopt.lock_sample as sample
  where sample.at > check_sessions.at - interval '15 minutes' and sample.at <= check_sessions.at
  having max(sample.longest_wait_s) > 5;
end $$;
comment on function _wedding_dbopt.check_sessions(timestamptz) is
  'Findings: connections near their limit, who blocks others, transactions that stay open.';
