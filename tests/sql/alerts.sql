-- Alerts from planted samples: a quiet hour, then troubles one after the other.
begin;
select plan(39);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality)
select v.queryid, d.oid, 10, true, '2001-04-01Z', 'select', '{public.tap_bookings}', v.context, v.criticality
from pg_database d, (values (9001, 'booking', 'critical'), (9002, 'booking', 'critical'), (9003, 'payment', 'critical'), (9004, 'other', 'low')) as v (queryid, context, criticality)
where d.datname = current_database();
create temporary table known as select array_agg(id order by queryid) as ids from _wedding_dbopt.statement where first_seen = '2001-04-01Z';

-- One pass: calls and milliseconds per call of the four statements, connections, transactions.
create function pg_temp.pass(minute integer, calls integer[], ms float8[], total integer default 20, rolled integer default 0, dealloc bigint default 0) returns jsonb
language plpgsql as $$
declare
  moment constant timestamptz := timestamptz '2001-05-02 12:00Z' + minute * interval '1 minute';
begin
  insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, hit, dealloc, entries)
  select moment, moment - interval '1 minute', true, k.ids, pass.calls,
    array(select (1000 * c * m)::bigint from unnest(pass.calls, pass.ms) as u (c, m)),
    array(select (1.04 * c * m * m)::real from unnest(pass.calls, pass.ms) as u (c, m)), array(select 5 * c from unnest(pass.calls) c), pass.dealloc, 100
  from known k;
  perform _wedding_dbopt.store_contexts(moment - interval '1 microsecond', moment);
  insert into _wedding_dbopt.connection_sample (at, total_max, active_max, max_connections, reserved, by_application)
  values (moment, pass.total, 4, 103, 3, jsonb_build_object('web', jsonb_build_object('max', pass.total - 5, 'active_max', 4), 'batch', jsonb_build_object('max', 5, 'active_max', 0)));
  insert into _wedding_dbopt.system_sample (at, cpu_percent, cpus, load_1m, memory_total, memory_available, disk_total, disk_free, blks_hit, blks_read, xact_commit, xact_rollback, deadlocks, checkpoints_requested, xid_age, multixact_age)
  values (moment, 20, 4, 1, 8e9, 4e9, 1e11, 5e10, 100000, 100, 2000 - pass.rolled, pass.rolled, 0, 0, 1000, 1000);
  return _wedding_dbopt.evaluate_alerts(moment);
end $$;
create function pg_temp.quiet(first integer, last integer) returns void language sql as $$
  select pg_temp.pass(m, '{100,50,60,10}', '{10,20,5,30}') from generate_series(first, last) m
$$;
create view pg_temp.open_alerts as select key, severity, suspect, message, count from _wedding_dbopt.alert where resolved_at is null;

-- A day of hours makes the usual.
insert into _wedding_dbopt.statement_hour (hour, chunk, ids, calls, exec_us, exec_sq, hit)
select h, _wedding_dbopt.chunk_of(k.ids[1]), k.ids, '{6000,3000,3600,600}', '{60000000,60000000,18000000,18000000}', '{624000,1248000,93600,561600}', '{30000,15000,18000,3000}'
from known k, generate_series(timestamptz '2001-05-01 11:00Z', '2001-05-02 11:00Z', '1 hour') h;
insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete)
select h, 60, 3600, true from generate_series(timestamptz '2001-05-01 11:00Z', '2001-05-02 11:00Z', '1 hour') h;
select _wedding_dbopt.refresh_usual('2001-05-02 12:01Z') \gset
select results_eq($$select round(calls_per_minute), mean_ms, blocks, hours from _wedding_dbopt.statement_usual u join _wedding_dbopt.statement s on s.id = u.statement_id where queryid = 9002$$,
  $$values (50::numeric::float8, 20::float8, 5::float8, 24)$$, 'the usual is that of the hours of the last day');

select is(_wedding_dbopt.evaluate_alerts('2001-05-02 11:00Z') ->> 'opened', '0', 'without samples nothing is wrong');
select pg_temp.quiet(1, 40) \gset
select is_empty('select * from pg_temp.open_alerts', 'a quiet time opens nothing');
select is(_wedding_dbopt.evaluate_alerts('2001-05-02 12:40Z'), '{"skipped": true}', 'the same time again is skipped');
select pg_temp.pass(41, '{3,0,0,0}', '{10,0,0,0}') \gset
select pg_temp.pass(42, '{3,1,1,1}', '{400,20,5,5}') \gset
select is_empty('select * from pg_temp.open_alerts', 'three slow calls alert nobody');

-- A slow statement.
select is(pg_temp.pass(43, '{100,50,60,10}', '{150,20,5,30}') ->> 'opened', '2', 'a breach of the objective is found in the pass that saw it');
select is(severity, 'critical', 'it is critical') from pg_temp.open_alerts where key = 'objective_breach:booking';
select is(suspect #>> '{0,queryid}', '9001', 'the slow statement is the suspect') from pg_temp.open_alerts where key = 'objective_breach:booking';
select matches(suspect #>> '{0,text}', '150.00 ms per call instead of 10.00', 'with its figures') from pg_temp.open_alerts where key = 'objective_breach:booking';
select is((select count(*) from pg_temp.open_alerts where key = 'statement_regression:9001' and severity = 'critical'), 1::bigint, 'and it is a regression of a critical statement');
select is(pg_temp.pass(44, '{100,50,60,10}', '{150,20,5,30}') ->> 'opened', '0', 'there is one open alert per key');
select is(count, 2, 'which counts') from pg_temp.open_alerts where key = 'objective_breach:booking';
select pg_temp.quiet(45, 46) \gset
select is((select count(*) from pg_temp.open_alerts), 2::bigint, 'one quiet pass does not resolve it');
select pg_temp.quiet(47, 47) \gset
select is((select count(*) from pg_temp.open_alerts where key like 'statement%'), 0::bigint, 'three minutes do');
select is((select array_agg(to_state order by e.id) from _wedding_dbopt.event e join _wedding_dbopt.alert a on e.subject = 'alert' and a.id::text = e.subject_id where key = 'statement_regression:9001'),
  '{open,resolved}', 'the events tell it');

-- It comes back: the next alert of this key stays open longer.
select pg_temp.pass(48, '{100,50,60,10}', '{150,20,5,30}') \gset
select is(reopened, 1, 'an alert that comes back within the hour says so') from _wedding_dbopt.alert where key = 'statement_regression:9001' and resolved_at is null;
select pg_temp.quiet(49, 52) \gset
select is((select count(*) from pg_temp.open_alerts where key = 'statement_regression:9001'), 1::bigint, 'and stays open twice as long');
select pg_temp.quiet(53, 70) \gset
select is_empty('select * from pg_temp.open_alerts', 'all is over');

-- Traffic, not slowness.
select pg_temp.pass(71, '{900,450,60,10}', '{90,95,5,30}') \gset
select is(suspect #>> '{0,type}', 'surge', 'nine times the traffic is a surge, though each call is slower too') from pg_temp.open_alerts where key = 'objective_breach:booking';
select pg_temp.quiet(72, 89) \gset

-- The detector of surges says one is on.
insert into _wedding_dbopt.surge (context, began_at, detected_at, factor, usual, basis) values ('booking', '2001-05-02 13:29Z', '2001-05-02 13:30Z', 6, 100, 'profile');
select pg_temp.quiet(90, 90) \gset
select is(severity || ' ' || context, 'info booking', 'a surge that harms nobody is for information') from _wedding_dbopt.alert where key = 'surge:booking';
update _wedding_dbopt.surge set ended_at = '2001-05-02 13:30:30Z' where began_at = '2001-05-02 13:29Z';

-- Locks.
insert into _wedding_dbopt.lock_sample (at, waiting, longest_wait_s, root_pids, root_queryids, root_dbids, root_roles, root_states, root_transaction_s, blocked, longest_s, relids, modes)
values ('2001-05-02 13:30:50Z', 14, 22.5, '{4711}', '{9002}', '{1}', '{10}', '{idle in transaction}', '{40}', '{14}', '{22.5}', '{null}', '{null}');
select pg_temp.pass(91, '{100,50,60,10}', '{900,800,5,30}') \gset
select is(suspect #>> '{0,pid}', '4711', 'the session that blocks the others is the suspect') from pg_temp.open_alerts where key = 'lock_waits:server' and severity = 'critical';
select is(suspect #>> '{0,pid}', '4711', 'also of the calls that were slow because of it') from pg_temp.open_alerts where key = 'objective_breach:booking';
select pg_temp.quiet(92, 110) \gset

-- Connections: warning, then worse.
select pg_temp.pass(111, '{100,50,60,10}', '{10,20,5,30}', 85) \gset
select is(severity, 'warning', 'connections near their end warn') from pg_temp.open_alerts where key = 'connections:server';
select wedding_dbopt.acknowledge_alert(id, 'the new pool is known') ->> 'success' as ok from _wedding_dbopt.alert where key = 'connections:server' \gset
select is(state || ' ' || acknowledged_reason, 'acknowledged the new pool is known', 'somebody knows') from wedding_dbopt.get_alerts() where kind = 'connections';
select is(pg_temp.pass(112, '{100,50,60,10}', '{10,20,5,30}', 98) ->> 'escalated', '1', 'and it gets worse');
select is(severity || ' ' || threshold || ' ' || (suspect #>> '{0,application}'), 'critical 95 web', 'with the application that took them') from _wedding_dbopt.alert where key = 'connections:server';
select is(pg_temp.pass(113, '{100,50,60,10}', '{10,20,5,30}', 70) ->> 'signals', '1', 'a value a little below the threshold keeps it open');
select pg_temp.quiet(114, 120) \gset

-- Rollbacks, evictions, a forgotten transaction, a new statement.
select pg_temp.pass(121, '{100,50,60,10}', '{10,20,5,30}', 20, 400) \gset
select is((select severity from pg_temp.open_alerts where key = 'rollbacks:database'), 'critical', 'a fifth of all transactions rolled back is critical');
select pg_temp.pass(122, '{100,50,60,10}', '{10,20,5,30}', 20, 0, 3) \gset
select matches(suspect #>> '{0,remedy}', 'pg_stat_statements.max = [0-9]+000', 'evictions name the setting and its value') from pg_temp.open_alerts where key = 'evictions:pg_stat_statements';
insert into _wedding_dbopt.open_transaction values ('2001-05-02 14:03Z', 4712, 'app', 'web', 9001, 400, 410, 5000, 2);
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, kind, context)
select 9005, d.oid, 10, true, '2001-05-02 14:02:30Z', 'select', 'other' from pg_database d where d.datname = current_database();
update known set ids = ids || (select id from _wedding_dbopt.statement where queryid = 9005);
select pg_temp.pass(123, '{100,50,60,10,30}', '{10,20,5,30,900}', 20, 0, 3) \gset
select is((select message from pg_temp.open_alerts where key = 'idle_in_transaction:pid 4712'),
  'Session 4712 of app (web) has been idle inside a transaction for 6.7 minutes and holds locks on 2 tables, and keeps rows that died in the last 5000 transactions.', 'a forgotten transaction');
select is((select suspect #>> '{0,type}' from pg_temp.open_alerts where key = 'new_statement:9005'), 'new_statement', 'a statement never seen before that takes most of the time');
select matches((select suspect #>> '{0,text}' from pg_temp.open_alerts where key = 'new_statement:9005'), ' ms per call, [0-9.]+ calls a minute; ', 'which has no usual figures to name');

-- What cannot be judged is neither opened nor resolved; then the collector itself is missed.
select ok((_wedding_dbopt.evaluate_alerts('2001-05-02 14:20Z') ->> 'resolved')::integer = 0, 'without samples nothing is resolved');
insert into _wedding_dbopt.collect_log (at, source, duration_ms) values ('2001-05-02 14:03Z', 'statements', 1);
select _wedding_dbopt.evaluate_alerts('2001-05-02 14:21Z') \gset
select is((select severity from pg_temp.open_alerts where key = 'collection:collector'), 'critical', 'that nothing is collected is an alert');

-- A check that fails costs only itself.
alter function _wedding_dbopt.watch_statements(timestamptz) rename to watch_statements_away;
select pg_temp.pass(160, '{100,50,60,10,0}', '{150,20,5,30,0}') \gset
select is((select sqlstate from _wedding_dbopt.collect_log where at = '2001-05-02 14:40Z' and source = 'alerts: watch_statements'), '42883', 'a check that fails is logged');
select is((select severity from pg_temp.open_alerts where key = 'objective_breach:booking'), 'critical', 'and the others judge');
alter function _wedding_dbopt.watch_statements_away(timestamptz) rename to watch_statements;

-- A rule that is off resolves what it opened.
select wedding_dbopt.set_alert_rule('objective_breach', enabled => false) \gset
select pg_temp.pass(170, '{100,50,60,10,0}', '{150,20,5,30,0}') \gset
select is((select count(*) from pg_temp.open_alerts where key = 'objective_breach:booking'), 0::bigint, 'a rule that is off alerts nobody');
select is_empty($$select key from _wedding_dbopt.alert group by key having count(*) filter (where resolved_at is null) > 1$$, 'never two open alerts of one key');
select _wedding_dbopt.forget_alerts('2003-01-01Z') \gset
select is((select count(*) from _wedding_dbopt.alert where opened_at < '2001-06-01Z' and resolved_at is not null), 0::bigint, 'resolved alerts are deleted after a year');
select * from finish();
rollback;
