-- Sums by business context: passes, hours, and the bounds on the calls above the objective.
begin;
select plan(13);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, own, context)
select v.queryid, oid, 1, true, '2001-04-01Z', v.queryid = 4, v.context
from pg_database, (values (1, 'booking'), (2, 'booking'), (3, 'payment'), (4, 'booking'), (5, null)) as v(queryid, context)
where datname = current_database();
create temporary table ids as select array_agg(id order by queryid) as id from _wedding_dbopt.statement where first_seen = '2001-04-01Z';
-- Known durations: booking (objective 50 ms) has 1: 90 x 10 ms and 10 x 100 ms, 2: one of 60 ms; payment (20 ms) two of 5 and 25 ms.
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read)
select at, at - interval '1 minute', true, id, '{100,1,2,7,3}', '{1900000,60000,30000,1,3}', '{109000,3600,650,1,1}', '{1,1,1,1,1}', '{9,0,0,1,1}', '{1,0,0,1,1}'
from ids, generate_series(timestamptz '2001-04-01 10:10Z', '2001-04-01 12:30Z', '10 minutes') as at;
select _wedding_dbopt.store_contexts('2001-04-01Z', '2001-04-02Z') \gset
select results_eq($$select context, calls, exec_ms, rows, hit, read from _wedding_dbopt.context_sample where at = '2001-04-01 10:10Z' order by 1$$,
  $$values ('booking', 101::bigint, 1960::float8, 2::bigint, 9::bigint, 1::bigint), ('other', 3, 0.003, 1, 1, 1), ('payment', 2, 30, 1, 0, 0)$$,
  'each context has the sums of its statements; our own are left out, what has no context yet is other');
select is(above_low || ' ' || above_high || ' ' || above, '1 1 1', 'of 5 and 25 ms one is above 20')
from _wedding_dbopt.context_sample where at = '2001-04-01 10:10Z' and context = 'payment';
select ok(above_low <= 11 and above_high >= 11, 'the true number, 11 of 101, lies between the bounds') from _wedding_dbopt.context_sample where at = '2001-04-01 10:10Z' and context = 'booking';
select ok(above_low >= 1 and above_high < 60, 'which say more than nothing') from _wedding_dbopt.context_sample where at = '2001-04-01 10:10Z' and context = 'booking';
select ok(above between above_low and above_high, 'the estimate lies between them') from _wedding_dbopt.context_sample where at = '2001-04-01 10:10Z' and context = 'booking';
select is(above, null, 'without an objective nothing is above it') from _wedding_dbopt.context_sample where at = '2001-04-01 10:10Z' and context = 'other';

create temporary table before as select * from _wedding_dbopt.context_sum('2001-04-01 10:00Z', '2001-04-01 12:20Z');
select _wedding_dbopt.roll_up_hours('2001-04-01 12:31Z') \gset
select results_eq($$select hour, calls, above_low, above_high from _wedding_dbopt.context_hour where context = 'payment' and hour < '2001-05-01Z' order by 1$$,
  $$values (timestamptz '2001-04-01 10:00Z', 12::bigint, 6::bigint, 6::bigint), ('2001-04-01 11:00Z', 12, 6, 6)$$, 'closed hours are summed');
select results_eq($$select * from _wedding_dbopt.context_sum('2001-04-01 10:00Z', '2001-04-01 12:20Z') order by context$$,
  'select * from before order by context', 'a window says the same from hours and passes');
select is((select array[calls, above_low] from _wedding_dbopt.context_hours('2001-04-01 10:15Z', '2001-04-01 11:15Z') where context = 'payment' and hour = '2001-04-01 10:00Z'), '{10,5}',
  'a window that cuts an hour takes its passes');

-- A statement gets another context.
update _wedding_dbopt.statement set context = 'payment' where queryid = 2 and first_seen = '2001-04-01Z';
select _wedding_dbopt.refresh_contexts('2001-04-01 10:10Z') \gset
select is(calls, 3::bigint, 'its passes move') from _wedding_dbopt.context_sample where at = '2001-04-01 10:10Z' and context = 'payment';
select is(calls, 18::bigint, 'and its hours') from _wedding_dbopt.context_hour where hour = '2001-04-01 10:00Z' and context = 'payment';
delete from _wedding_dbopt.context_sample where at < '2001-05-01Z';
select _wedding_dbopt.roll_up_contexts('2001-04-01 10:00Z', '2001-04-01 11:00Z') \gset
select is(above_high, 12::bigint, 'without the passes an hour keeps its calls above the objective') from _wedding_dbopt.context_hour where hour = '2001-04-01 10:00Z' and context = 'payment';
select ok(abs(_wedding_dbopt.normal_tail(1.6448536269514722) - 0.05) < 0.00014 and abs(_wedding_dbopt.normal_tail(-1) - 0.841345) < 0.00014
  and _wedding_dbopt.normal_tail(90) between 0 and 1e-9 and _wedding_dbopt.normal_tail(-90) = 1, 'tail of the normal distribution');
select * from finish();
rollback;
