begin;
select plan(9);
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context)
select queryid, oid, 1, true, '2001-06-01Z', context from pg_database, (values (1, 'payment'), (2, 'other')) as v(queryid, context) where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, hit, read)
select at, at - interval '30 seconds', true, ids, array[calls, calls], array[30000 * calls, 30000 * calls], array[900 * calls, 900 * calls], '{3,3}', '{1,1}'
from (select array_agg(id) as ids from _wedding_dbopt.statement where first_seen = '2001-06-01Z') as statements, (values (timestamptz '2001-06-01 11:59Z', 5), ('2001-06-01 12:00Z', 10)) as pass(at, calls);
select _wedding_dbopt.store_contexts('2001-06-01Z', '2001-06-02Z') \gset
insert into _wedding_dbopt.connection_sample (at, active, idle, waiting, total, max_connections, reserved) values ('2001-06-01 12:00Z', 3, 4, 1, 8, 103, 3);
insert into _wedding_dbopt.system_sample (at, cpu_percent) values ('2001-06-01 12:00Z', 25);
insert into _wedding_dbopt.alert (key, kind, severity, opened_at, updated_at, resolved_at, value, peak, threshold, message) values
  ('cpu:machine', 'cpu', 'warning', '2001-06-01 11:55Z', '2001-06-01 12:00Z', null, 95, 95, 90, 'busy'),
  ('memory:machine', 'memory', 'warning', '2001-06-01 11:30Z', '2001-06-01 11:40Z', '2001-06-01 11:45Z', 95, 95, 90, 'full');
create temporary table latest as select wedding_dbopt.get_latest_metrics('2001-06-01 12:00:30Z') as j;
select is(j ->> 'timestamp', (timestamptz '2001-06-01 12:00Z')::text, 'the last pass answers') from (select jsonb_set(j, '{timestamp}', to_jsonb((j ->> 'timestamp')::timestamptz::text)) as j from latest) l;
select is(j #>> '{contexts,payment,calls_per_minute}', '20.000', 'ten calls in half a minute') from latest;
select is(array[j #>> '{contexts,payment,calls_above}', j #>> '{contexts,payment,objective_ms}'], '{10.000,20}', 'all of them above the objective') from latest;
select is((j #> '{contexts,other}') - '{cache_hit_ratio,average_ms}'::text[], '{"calls_above": null, "calls_above_low": null, "calls_above_high": null, "objective_ms": null, "calls_per_minute": 20.000}', 'where there is no objective nothing is above it') from latest;
select is(j #>> '{contexts,booking,calls_per_minute}', '0.000', 'a context that did not run has no calls') from latest;
select is(j #>> '{connection_pool,connection_utilization}', '8.00', 'connections') from latest;
select is(j #> '{system_resources}', '{"cpu_percent": 25}', 'what is not known of the machine is absent') from latest;
select is(jsonb_array_length(j -> 'alerts') || ' ' || (j #>> '{alerts,0,message}'), '1 busy', 'the alert that is open, not the one that is over') from latest;
select is(wedding_dbopt.get_latest_metrics('2001-05-01Z') ->> 'reason', 'no collection pass in the hour before', 'without a pass there is a reason');
select * from finish();
rollback;
