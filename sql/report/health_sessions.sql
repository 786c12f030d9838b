create or replace function _wedding_dbopt.health_sessions(at timestamptz)
returns table(severity text, check_name text, object text, finding text, remedy text)
language sql stable parallel restricted security invoker set search_path = pg_catalog, pg_temp as $$
  with session as (
    select pid, usename, state, state_change, clock_timestamp() - xact_start as transaction_age,
           clock_timestamp() - state_change as state_age
    from pg_stat_activity
    where backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()
  ), used as (
    select * from wedding_dbopt.get_connection_stats(health_sessions.at)
  )
  select case when used.connection_utilization >= 90 then 'critical' else 'warning' end, 'connections', null,
         format('%s of %s usable connections are in use (%s %%).', used.total, used.usable, used.connection_utilization),
         'select wedding_dbopt.analyze_load_patterns() -> ''scale_recommendation'''
  from used where used.connection_utilization >= 70
  union all
  select 'warning', 'lock_waits', null, format('%s sessions wait for a lock.', used.waiting),
         'select pid, pg_blocking_pids(pid), query from pg_stat_activity where wait_event_type = ''Lock'''
  from used where used.waiting > 0
  union all
  select 'warning', 'long_transaction', format('pid %s (%s)', session.pid, session.usename),
         format('A transaction has been open for %s minutes: it keeps dead rows from being removed and concurrent index builds waiting.',
                round(extract(epoch from session.transaction_age) / 60, 1)),
         format('select pg_terminate_backend(%s)', session.pid)
  from session
  where session.state not like 'idle in transaction%'
    and session.transaction_age > _wedding_dbopt.setting_value('long_transaction_limit')::interval
  union all
  select 'warning', 'idle_in_transaction', format('pid %s (%s)', session.pid, session.usename),
         format('A session has been idle inside a transaction for %s minutes.', round(extract(epoch from session.state_age) / 60, 1)),
         format('select pg_terminate_backend(%s); alter system set idle_in_transaction_session_timeout = ''5min''', session.pid)
  from session
  where session.state like 'idle in transaction%' and session.state_age > interval '1 minute'
$$;
comment on function _wedding_dbopt.health_sessions(timestamptz) is
  'Findings of health() on connections, lock waits and transactions that stay open.';
