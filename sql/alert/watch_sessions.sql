create or replace function _wedding_dbopt.watch_sessions(at timestamptz) returns setof _wedding_dbopt.alert_signal
language plpgsql stable security invoker set search_path = pg_catalog, pg_temp set jit = off as $$
begin
  return query
  select x.kind, x.object, x.context, x.severity, x.value::float8, x.threshold::numeric, x.message, x.evidence from (
  with hour as materialized (
    select s.at, s.total_max, s.active_max, s.idle_max, s.max_connections - s.reserved as usable
    from _wedding_dbopt.connection_sample s
    where s.at > watch_sessions.at - interval '1 hour' and s.at <= watch_sessions.at
  ), pass as materialized (
    select h.*, (select avg(u.active_max) from hour u where u.at < h.at) as usual, (select count(*) from hour u where u.at < h.at) as passes
    from hour h where h.at > watch_sessions.at - interval '2 minutes' order by h.at desc limit 1
  ), wait as materialized (
    select l.* from _wedding_dbopt.lock_sample l
    where l.at > watch_sessions.at - interval '65 seconds' and l.at <= watch_sessions.at
    order by l.longest_wait_s desc nulls last limit 1
  )
  select r.kind, 'server', null::text, _wedding_dbopt.alert_grade(100.0 * p.total_max / p.usable, r.warning, r.critical), 100.0 * p.total_max / p.usable,
    _wedding_dbopt.alert_threshold(100.0 * p.total_max / p.usable, r.warning, r.critical),
    format('%s of %s usable connections were in use at once within the last minute (%s %%), %s of them active.', p.total_max, p.usable,
           round(100.0 * p.total_max / p.usable, 1), p.active_max),
    jsonb_build_object('total', p.total_max, 'usable', p.usable, 'active', p.active_max)
  from pass p join _wedding_dbopt.alert_rule r on r.kind = 'connections' and r.enabled
  where _wedding_dbopt.alert_grade(100.0 * p.total_max / p.usable, r.warning, r.critical) is not null
  union all
  select r.kind, 'server', null, _wedding_dbopt.alert_grade(p.active_max / greatest(p.usual, 1), r.warning, r.critical), p.active_max / greatest(p.usual, 1), coalesce(r.warning, r.critical),
    format('%s sessions were active at once within the last minute; in the hour before it were %s on average.', p.active_max, round(p.usual, 1)),
    jsonb_build_object('active', p.active_max, 'usual', round(p.usual, 1))
  from pass p join _wedding_dbopt.alert_rule r on r.kind = 'pile_up' and r.enabled
  where p.passes >= 10 and p.active_max >= 16 and _wedding_dbopt.alert_grade(p.active_max / greatest(p.usual, 1), r.warning, r.critical) is not null
  union all
  select r.kind, format('pid %s', t.pid), null, _wedding_dbopt.alert_grade(t.idle_s, r.warning, r.critical), t.idle_s,
    _wedding_dbopt.alert_threshold(t.idle_s, r.warning, r.critical),
    format('Session %s of %s (%s) has been idle inside a transaction for %s minutes%s.', t.pid, coalesce(t.role, 'an unknown role'), coalesce(nullif(t.application, ''), 'no application name'),
      round((t.idle_s / 60)::numeric, 1),
      concat(case when t.locks > 0 then format(' and holds locks on %s tables', t.locks) end,
             case when t.xmin_age is not null then format(case when t.locks > 0 then ', and' else ' and' end || ' keeps rows that died in the last %s transactions', t.xmin_age) end)),
    jsonb_build_object('pid', t.pid, 'role', t.role, 'application', t.application, 'queryid', t.queryid::text, 'state', 'idle in transaction', 'transaction_s', t.transaction_s)
  from _wedding_dbopt.open_transaction t join _wedding_dbopt.alert_rule r on r.kind = 'idle_in_transaction' and r.enabled
  where t.at = watch_sessions.at and (t.locks > 0 or t.xmin_age is not null) and _wedding_dbopt.alert_grade(t.idle_s, r.warning, r.critical) is not null
  union all
  select r.kind, 'server', null,
    case when w.waiting >= 10 and w.longest_wait_s >= 1 and r.critical is not null then 'critical' else _wedding_dbopt.alert_grade(w.longest_wait_s, r.warning, r.critical) end,
    w.longest_wait_s, _wedding_dbopt.alert_threshold(w.longest_wait_s, r.warning, r.critical),
    format('%s sessions waited for a lock, the longest for %s s, behind session %s.', w.waiting, round(w.longest_wait_s, 1), coalesce(w.root_pids[1]::text, 'unknown')),
    jsonb_build_object('waiting', w.waiting, 'longest_s', w.longest_wait_s)
  from wait w join _wedding_dbopt.alert_rule r on r.kind = 'lock_waits' and r.enabled
  where w.waiting >= 10 and w.longest_wait_s >= 1 or _wedding_dbopt.alert_grade(w.longest_wait_s, r.warning, r.critical) is not null
  ) as x (kind, object, context, severity, value, threshold, message, evidence);
end $$;
comment on function _wedding_dbopt.watch_sessions(timestamptz) is
  'Signals of the sessions within the last minute: connections, pile-ups, forgotten transactions, waits for locks.';
