begin;
select plan(12);
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen)
select v.queryid, oid, v.userid, true, '2001-06-01Z' from pg_database, (values (-8, 901::oid), (-8, 902), (9, 901)) as v(queryid, userid)
where datname = current_database();
create temporary table ids as select array_agg(id order by id) as id from _wedding_dbopt.statement where first_seen = '2001-06-01Z';
-- Every ten minutes two calls of 1 and 3 ms by the first role, one of 4 ms by the second.
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read)
select at, at - interval '10 minutes', true, id, '{2,1,50}', '{4000,4000,1}', '{10,16,1}', '{2,0,5}', '{6,3,0}', '{0,3,0}'
from ids, generate_series(timestamptz '2001-06-01 10:10Z', '2001-06-03 02:30Z', '10 minutes') as at;
select results_eq($$select step_start, calls, avg_duration, stddev_duration, rows_returned, cache_hit_ratio from wedding_dbopt.get_query_history('-8', '1h', '2001-06-03 02:30Z') limit 1$$,
  $$values (timestamptz '2001-06-03 01:30Z', 3::bigint, 2.666667, 1.247219, 2::bigint, 0.75)$$, 'a pass, over all roles');
select is(count(*), 6::bigint, 'an hour has its passes') from wedding_dbopt.get_query_history('-8', '1h', '2001-06-03 02:30Z');
select is(p95_ms between p95_low and p95_high and p95_low <= 4 and p95_high >= 4, true, 'the percentile lies between its bounds')
from wedding_dbopt.get_query_history('-8', '1h', '2001-06-03 02:30Z') limit 1;
create temporary table raw as select * from wedding_dbopt.get_query_history('-8', '24h', '2001-06-03 02:30Z');
select results_eq('select count(*), min(calls), max(calls), sum(calls)::bigint from raw', 'values (25::bigint, 9::bigint, 18::bigint, 432::bigint)', 'a day has its hours');
select is(calls_per_minute, 0.3, 'eighteen calls in an hour') from raw where calls = 18 limit 1;
select _wedding_dbopt.roll_up_hours('2001-06-03 02:31Z') \gset
select results_eq($$select step_start, calls, avg_duration from wedding_dbopt.get_query_history('-8', '24h', '2001-06-03 02:30Z') where step_start >= '2001-06-02 03:00Z'$$,
  $$select step_start, calls, avg_duration from raw where step_start >= '2001-06-02 03:00Z'$$, 'rolled up hours say the same');
select _wedding_dbopt.roll_up_days('2001-06-03 02:31Z') \gset
delete from _wedding_dbopt.statement_sample where at < '2001-06-03Z';
delete from _wedding_dbopt.statement_hour where hour < '2001-06-03Z';
delete from _wedding_dbopt.rolled_hour where hour < '2001-06-03Z';
select results_eq($$select step_start, calls, avg_duration from wedding_dbopt.get_query_history('-8', '30d', '2001-06-03 02:30Z')$$,
  $$values (timestamptz '2001-06-01Z', 252::bigint, 2.666667), ('2001-06-02Z', 432, 2.666667), ('2001-06-03Z', 45, 2.666667)$$, 'days stay when their hours are gone');
select is(count(*), 0::bigint, 'an unknown id has no history') from wedding_dbopt.get_query_history('77', '7d', '2001-06-03 02:30Z');
select is(count(*), 0::bigint, 'nor has one that is too large') from wedding_dbopt.get_query_history('9999999999999999999', '90d', '2001-06-03 02:30Z');
select throws_ok($$select wedding_dbopt.get_query_history('x')$$, '22023', '''x'' is no query_hash', 'an id is a number');
select throws_ok($$select wedding_dbopt.get_query_history('1', '2h')$$, '22023', 'unknown time_range ''2h''', 'a range is one of five');
select throws_ok($$select wedding_dbopt.get_query_history(null)$$, '22023', null, 'null is no id');
select * from finish();
rollback;
