begin;
select plan(12);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context)
select v.queryid, oid, 1, true, '2001-06-01Z', v.context
from pg_database, (values (1, 'booking'), (2, 'booking'), (3, 'payment')) as v(queryid, context) where datname = current_database();
-- Bookings: 90 calls of 10 ms and 10 of 60 ms: mean 15, deviation 15. Payments: 10 calls of 40 ms.
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select '2001-06-02 12:00Z', '2001-06-02 11:59Z', true, array_agg(id order by queryid), '{90,10,10}', '{900000,600000,400000}', '{9000,36000,16000}'
from _wedding_dbopt.statement where first_seen = '2001-06-01Z';
select _wedding_dbopt.store_contexts('2001-06-01Z', '2001-06-03Z') \gset
create temporary table result as select * from wedding_dbopt.get_objectives('1 hour', '2001-06-02 12:30Z');

select is(array_agg(context), '{booking,vendor_search,payment,timeline,guest_management}', 'one row per context') from result;
select is(average_ms, 15.0, 'average of all calls') from result where context = 'booking';
select is(stddev_ms, 15.0, 'deviation of all calls') from result where context = 'booking';
select ok(met, '15 ms meet 50 ms') from result where context = 'booking';
-- Cantelli: 225 / (225 + 35 squared); the truth is 10 of 100.
select is(round(share_above_at_most, 4), 0.1552, 'the bound of the share above the objective holds') from result where context = 'booking';
select is(array[slowest_queryid, slowest_average_ms::numeric(9,1)::text], '{2,60.0}', 'the slowest statement is named') from result where context = 'booking';
select is(array[met::text, share_above_at_most::text], '{false,NULL}', '40 ms miss 20 ms') from result where context = 'payment';
select is(array[calls::text, met::text], '{0,NULL}', 'without calls there is no verdict') from result where context = 'timeline';
select throws_ok($$select wedding_dbopt.get_objectives('-1 hours')$$, '22023', 'time_window must be positive', 'a negative window is refused');
select is(calls_above between calls_above_low and calls_above_high, true, 'calls above the objective, between their bounds') from result where context = 'booking';
select is(attainment_percent between attainment_low and attainment_high and attainment_high <= 100 and attainment_low >= 0, true, 'and the attainment in percent') from result where context = 'booking';
select is(p95_ms between p95_low and p95_high and p95_low <= p99_high and p50_ms <= p99_high, true, 'percentiles between their bounds') from result where context = 'booking';
select * from finish();
rollback;
