begin;
select plan(18);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, own, kind, tables, context, criticality)
select v.queryid, coalesce(v.dbid, d.oid), v.userid, true, '2001-06-01Z', v.own, 'select', v.tables, v.context, v.criticality
from pg_database d, (values
  (-6905912886545623391, null::oid, 901::oid, false, array['tap.alone'],               'booking', 'critical'),
  (-6905912886545623391, null,      902,      false, array['tap.alone'],               'booking', 'critical'),
  (2,                    null,      901,      false, array['tap.shared'],              'payment', 'critical'),
  (3,                    null,      901,      false, array['tap.shared'],              null,      null),
  (4,                    null,      901,      true,  array['_wedding_dbopt.setting'],  'booking', 'high'),
  (5,                    1,         901,      false, array['tap.elsewhere'],           'booking', 'high'),
  (6,                    null,      901,      false, array['tap.rare'],                'timeline', 'high')
) as v(queryid, dbid, userid, own, tables, context, criticality)
where d.datname = current_database();
create temporary table ids as
  select row_number() over (order by id) as n, id from _wedding_dbopt.statement where first_seen = '2001-06-01Z';
select _wedding_dbopt.store_texts(array_agg(id), array_agg('select tap ' || n)) from ids \g /dev/null

-- Ten calls of 2 ms and ten of 4 ms are one query id with mean 3 and deviation 1.
insert into _wedding_dbopt.statement_sample
  (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read)
values ('2001-06-02 12:00Z', '2001-06-02 11:59Z', true, (select array_agg(id order by n) from ids),
  '{10,10,100,20,50,50,1}', '{20000,40000,2500000,100000,1000000,1000000,9000}', '{40,160,62500,500,20000,20000,81}',
  '{10,10,100,20,5,5,1}', '{90,0,0,0,1,1,1}', '{10,0,0,0,1,1,1}');
create schema tap;
create table tap.alone (id integer);
create table tap.shared (id integer);
insert into _wedding_dbopt.table_sample (at, previous_at, complete, relids, seq_tup_read, idx_tup_fetch)
values ('2001-06-02 12:00Z', '2001-06-02 11:59Z', true, array['tap.alone'::regclass, 'tap.shared'::regclass]::oid[], '{20000,7}', '{5,7}');

create temporary table result as
  select * from wedding_dbopt.get_query_performance(100, 10, '1 hour', '2001-06-02 12:30Z');
select is(array_agg(queryid), '{2,3,-6905912886545623391}',
  'the longest total time first; own statements, other databases and rare ones are left out') from result;
select is(calls, 20::bigint, 'one row per query id, over its roles') from result where queryid like '-69%';
select is(mean_exec_time, 3.0, 'the mean is weighted by calls') from result where queryid like '-69%';
select is(stddev_exec_time, 1.0, 'the deviation is that of all calls') from result where queryid like '-69%';
select is(total_exec_time, 60.0, 'total in milliseconds') from result where queryid like '-69%';
select is(query_hash || ' ' || pg_typeof(queryid), '-6905912886545623391 text', 'a 64-bit id is text') from result where queryid like '-69%';
select is(cache_hit_ratio, 0.9, 'hits over blocks') from result where queryid like '-69%';
select is(cache_hit_ratio, null, 'no blocks, no ratio') from result where queryid = '2';
select is(rows_examined, 20005::bigint, 'the only statement of a table read all rows read from it') from result where queryid like '-69%';
select is(rows_returned, 20::bigint, 'rows returned is another figure') from result where queryid like '-69%';
select is(rows_examined, null, 'two readers share a table: nobody can tell') from result where queryid = '2';
select is(array[objective_met::text, objective_ms::text], '{false,20}', '25 ms miss the 20 ms of payments') from result where queryid = '2';
select is(array[wedding_context, business_criticality, objective_met::text], '{other,medium,NULL}',
  'what is not classified is other, without objective') from result where queryid = '3';
select is(array[p50_low <= 2, p50_high >= 2, p50_ms between p50_low and p50_high, p95_low <= 4, p95_high >= 4, p95_ms between p95_low and p95_high,
  p99_low <= 4, p99_high >= 4, p99_ms between p99_low and p99_high], array_fill(true, '{9}'), 'percentiles between true bounds') from result where queryid like '-69%';
select ok(bool_and(complete), 'all passes complete') from result;
update _wedding_dbopt.statement_sample set complete = false where at = '2001-06-02 12:00Z';
select ok(not bool_or(complete), 'a pass that misses calls shows')
  from wedding_dbopt.get_query_performance(100, 10, '1 hour', '2001-06-02 12:30Z');
select is(count(*), 4::bigint, 'min_calls 0 shows all')
  from wedding_dbopt.get_query_performance(100, 0, '1 hour', '2001-06-02 12:30Z');
select throws_ok('select wedding_dbopt.get_query_performance(0)', '22023', 'limit_count must be positive', 'no rows is not a question');
select * from finish();
rollback;
