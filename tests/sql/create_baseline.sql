begin;
select plan(26);

-- Six hours of two statements: -1 steadily 10 ms, -2 alternating 4 and 6 ms, a pass each five minutes.
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality)
select v.queryid, oid, 10, true, '2001-03-01Z', v.context, 'critical'
from pg_database, (values (-1, 'booking'), (-2, 'payment')) as v(queryid, context) where datname = current_database();
create temporary table ids as select array_agg(id order by queryid desc) as id from _wedding_dbopt.statement where first_seen = '2001-03-01Z';
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read)
select at, at - interval '5 minutes', true, id, '{10,100}', array[100000, 500000 + 100000 * (1 - 2 * (extract(hour from at - interval '1 minute')::integer % 2))],
       '{1000,2600}', '{10,0}', '{80,100}', '{20,0}'
from ids, generate_series(timestamptz '2001-03-20 06:05Z', '2001-03-20 12:00Z', '5 minutes') as at;
insert into _wedding_dbopt.connection_sample (at, active, waiting, total, max_connections) values ('2001-03-20 11:00Z', 6, 1, 20, 103), ('2001-03-20 11:30Z', 8, 0, 30, 103);
create table public.tap_kept (id integer primary key, price numeric(10,2) not null default 0);
create index tap_kept_price on public.tap_kept (price);
create function public.tap_kept() returns integer language sql return 1;
analyze public.tap_kept;

select is(wedding_dbopt.create_baseline('tap', 'before the change', '6 hours', '2001-03-20 12:00Z') -> 'success', 'true', 'a baseline is made');
create temporary table kept as select * from _wedding_dbopt.baseline where name = 'tap';
select is(array[origin, comment, since::text, until::text], array['user', 'before the change', '2001-03-20 06:00:00+00'::timestamptz::text, '2001-03-20 12:00:00+00'::timestamptz::text],
  'with its origin, comment and window') from kept;
select is(kept.ids, ids.id, 'each statement once, in the order of ids') from kept, ids;
select is(calls, '{720,7200}', 'calls') from kept;
select is(exec_us, '{7200000,36000000}', 'time') from kept;
select is(exec_sq, '{72000,187200}', 'sum of squares') from kept;
select is(array[rows, hit, read], '{{720,0},{5760,7200},{1440,0}}', 'rows and blocks') from kept;
select is(temp_written, null, 'nothing is stored of what is zero for all') from kept;
select is(round(mean_error[1]::numeric, 6), 0.000000, 'a steady statement has no error') from kept;
-- Hourly means 4, 6, 4, 6, 4, 6 with equal weights: sqrt(6 / 5) / sqrt(6).
select is(round(mean_error[2]::numeric, 6), 0.447214, 'the error of a mean comes from how slices of time differ') from kept;
select is(slices, '{6,6}', 'six slices') from kept;
select is((contexts -> 1) - '{blocks_error,mean_error,rate_error,exec_sq,slices}'::text[],
  '{"context": "booking", "calls": 720, "exec_ms": 7200, "rows": 720, "hit": 5760, "read": 1440, "temp_written": 0, "wal_bytes": 0, "objective_ms": 50, "objective_met": true}',
  'a context and whether it met its objective') from kept;
select is(contexts #>> '{0,context}', 'all', 'and all together') from kept;
select is(server ->> 'connections_most', '30', 'connections') from kept;
select is(server ->> 'connections_average', '25.00', 'on average') from kept;
select ok(relations -> 'tables' ? 'public.tap_kept' and relations -> 'indexes' ? 'public.tap_kept_price', 'sizes and scans of tables and indexes') from kept;
select is(settings #>> '{wedding_dbopt: raw_retention,value}', '24 hours', 'settings') from kept;
select ok(not settings ?| array['wedding_dbopt: executor_dsn', 'wedding_dbopt: pgbouncer_dsn'], 'without the connection strings') from kept;
select is((select objects #>> '{column,public.tap_kept.price}' from _wedding_dbopt.baseline_catalogue where fingerprint = kept.catalogue),
  'numeric(10,2) not null default 0', 'definitions of columns') from kept;
select is((select objects #>> '{index,public.tap_kept_price}' from _wedding_dbopt.baseline_catalogue where fingerprint = kept.catalogue),
  'CREATE INDEX tap_kept_price ON public.tap_kept USING btree (price)', 'and of indexes') from kept;
select matches(wedding_dbopt.create_baseline(time_window => '1 hour', at => '2001-03-20 12:00Z') #>> '{baseline,name}', '^user 2001-03-20 12:00:00', 'a name from the time');
select throws_ok($$select wedding_dbopt.create_baseline('tap')$$, '22023', 'there is a baseline ''tap'' already', 'a name is given once');
select throws_ok($$select wedding_dbopt.create_baseline('daily 2001-03-20')$$, '22023', null, 'the names of automatic ones are reserved');
select throws_ok($$select wedding_dbopt.create_baseline('tap 2', null, '1 year')$$, '22023', 'time_window must be positive and at most 90 days', 'a window has a limit');
-- What may hold a password.
select set_config('tap.jwt_secret', 'hush', true);
do $$ begin execute format('alter database %I set tap.jwt_secret = ''hush''', current_database()); end $$;
select is((select string_agg(value ->> 'value', ',') from jsonb_each(_wedding_dbopt.settings_now()) where key like 'tap.jwt_secret%'), '(hidden)', 'placeholders of applications are hidden');
select ok(_wedding_dbopt.settings_now()::text not like '%hush%', 'wherever they are set');
select * from finish();
rollback;
