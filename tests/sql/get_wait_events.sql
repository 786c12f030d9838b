begin;
select plan(24);
select is(_wedding_dbopt.session_label('web 12, worker 123456 of jane@example.com'), 'web 12, worker # of #', 'a label names no person and no single process');

-- Thirty sessions pile up for a lock between two passes, and are gone at the second one.
insert into _wedding_dbopt.connection_sample (at, samples) values ('2101-01-01 00:00Z', 1);
insert into _wedding_dbopt.session_sample (at, usesysid, application, state, wait, queryid, dbid, sessions, age_sum_s, age_max_s, query_max_s, transaction_max_s)
select v.at::timestamptz, r.oid, application, state, wait, queryid, d.oid, sessions, sessions * 5, 5, query_s, transaction_s
from pg_roles r, pg_database d, (values
  ('2101-01-01 00:00:20Z', 'web', 'active', 'Lock:transactionid', 4711, 30, 9, 12),
  ('2101-01-01 00:00:20Z', 'web', 'active', null, 4712, 2, 1, 1),
  ('2101-01-01 00:00:20Z', 'jobs', 'idle in transaction', null, null, 1, null, 40),
  ('2101-01-01 00:00:40Z', 'web', 'active', 'IO:DataFileRead', 4711, 3, 2, 2),
  ('2101-01-01 00:00:40Z', 'web', 'worker', 'IO:DataFileRead', 4711, 2, 2, 2),
  ('2101-01-01 00:00:40Z', 'jobs', 'idle', null, null, 4, null, null)) as v(at, application, state, wait, queryid, sessions, query_s, transaction_s)
where r.rolname = current_user and d.datname = current_database();
insert into _wedding_dbopt.session_sample (at, sessions) values ('2101-01-01 00:00:20Z', 0), ('2101-01-01 00:00:30Z', 0), ('2101-01-01 00:00:40Z', 0);
insert into _wedding_dbopt.session_sample (at, usesysid, application, state, sessions)
select '2101-01-01 00:00:30Z', r.oid, 'app ' || n, 'idle', 1 from generate_series(1, 20) n, pg_roles r where r.rolname = current_user;
insert into _wedding_dbopt.session_sample (at, state, wait, queryid, dbid, sessions)
select '2101-01-01 00:00:40Z', 'active', 'LWLock:WALWrite', 5000 + n, d.oid, 1 from generate_series(1, 300) n, pg_database d where d.datname = current_database();
insert into _wedding_dbopt.session_sample (at, state, sessions) values ('2100-12-31 23:50Z', 'active', 1000);
select _wedding_dbopt.sample_connections('2101-01-01 00:01Z') \gset

create temporary table minute as select * from _wedding_dbopt.connection_sample where at = '2101-01-01 00:01Z';
select results_eq('select samples, first_at from minute', $$values (4, timestamptz '2101-01-01 00:00:20Z')$$,
  'one row for all samples since the pass before; what is left of an older minute is not in it');
select results_eq('select waiting_max, active_max, idle_in_transaction_max, idle_max from minute', 'values (30, 303, 1, 20)',
  'the greatest numbers are those of the samples in between');
select cmp_ok(waiting, '<', 30, 'the plain column is the count at the pass itself') from minute;
select is(waiting_avg, round((30 + waiting) / 4.0, 3), 'the average is over all samples') from minute;
select is(active_avg, round((32 + 303 + active) / 4.0, 3), 'an idle moment counts in it, a worker is no connection') from minute;
select results_eq('select max_query_s, max_transaction_s from minute', 'values (9.000, 40.000)', 'the greatest ages are kept');
select is((select by_application -> 'web' from minute), '{"max": 32, "avg": 8.75, "active_max": 32, "active_avg": 8.75, "waiting_max": 30}', 'by application');
select is((select count(*) from minute, jsonb_object_keys(by_application)), 9::bigint, 'eight applications and the others');
select is((select by_role -> current_user::text ->> 'active_max' from minute), '32', 'by role');
select is((select wait_events ->> 'Lock:transactionid' from minute), '30', 'waits by event');
select is((select count(distinct queryid) from _wedding_dbopt.wait_delta('2101-01-01 00:00Z', '2101-01-01 00:01Z') where dbid is not null and queryid > 0), 200::bigint,
  'no more than 200 statements are named');
select is((select sum(sessions) from _wedding_dbopt.wait_delta('2101-01-01 00:00Z', '2101-01-01 00:01Z') where wait = 'LWLock:WALWrite'), 300::bigint, 'the others are summed up');
select is_empty($$select from _wedding_dbopt.session_sample where at <= '2101-01-01 00:01Z'$$, 'what was packed is gone');

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality, own)
select v.queryid, d.oid, 1, true, '2101-01-01Z', v.context, 'critical', v.own
from pg_database d, (values (4711, 'booking', false), (4712, 'other', true)) as v(queryid, context, own) where d.datname = current_database();
create temporary table waited as select * from wedding_dbopt.get_wait_events('1 minute', 1000, '2101-01-01 00:01Z');
select results_eq($$select wait_event_type, wait_event, wedding_context, business_criticality, samples, avg_sessions from waited where query_hash = '4711' order by samples$$,
  $$values ('IO', 'DataFileRead', 'booking', 'critical', 5::bigint, 1.25), ('Lock', 'transactionid', 'booking', 'critical', 30, 7.5)$$,
  'a wait has its statement and its business context');
select is_empty($$select from waited where query_hash = '4712'$$, 'our own statements are left out');
select ok(bool_and(share between 0 and 1), 'shares') from waited;
select is((select count(*) from wedding_dbopt.get_wait_events('1 minute', 3, '2101-01-01 00:01Z')), 3::bigint, 'as many as asked for');
select throws_ok($$select wedding_dbopt.get_wait_events('0 hours')$$, '22023', 'time_window must be positive', 'an empty window is refused');
select throws_ok($$select wedding_dbopt.get_wait_events(limit_count => 0)$$, '22023', 'limit_count must be positive', 'no rows are refused');
select is_empty($$select from wedding_dbopt.get_wait_events('1 minute', 10, '2099-01-01Z')$$, 'without samples there is nothing');

-- When the minute's job samples.
select is(_wedding_dbopt.sample_times('2101-01-01 00:00:01Z', statement_timestamp()),
  array(select timestamptz '2101-01-01 00:00:01Z' + n * interval '10 seconds' from generate_series(1, 5) n), 'each ten seconds, up to five before the minute ends');
set statement_timeout = '35s';
select is(cardinality(_wedding_dbopt.sample_times('2101-01-01 00:00Z', statement_timestamp())), 3, 'and before a statement_timeout would end the job');
reset statement_timeout;
select wedding_dbopt.set_setting('sessions_interval', '0 s') \gset
select is(_wedding_dbopt.sample_times('2101-01-01 00:00Z', statement_timestamp()), '{}', 'not at all when switched off');
select * from finish();
rollback;
