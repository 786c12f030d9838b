begin;
select plan(8);
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen) select 1, oid, 1, true, '2001-06-01Z' from pg_database where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select at, at - interval '1 hour', true, array[id], '{600}', '{1200000}', '{2400}'
from _wedding_dbopt.statement, generate_series(timestamptz '2001-06-01 01:00Z', '2001-06-01 10:00Z', interval '1 hour') at where queryid = 1 and first_seen = '2001-06-01Z';
create table public.tap_retry (id integer);
create temporary table basis as
  select _wedding_dbopt.retry_basis('public', 'tap_retry', jsonb_build_array(jsonb_build_object('statement_id', id)), '2001-06-01 11:00Z') as j
  from _wedding_dbopt.statement where queryid = 1 and first_seen = '2001-06-01Z';
select is(j -> 'mean_ms', '2.000', 'milliseconds per call of the statements it was to serve') from basis;
select is((j ->> 'calls_per_hour')::numeric > 0, true, 'their calls per hour') from basis;
select ok(j ? 'rows', 'and the rows of its table') from basis;
select is(_wedding_dbopt.has_changed('{"rows": 1000, "calls_per_hour": 60, "mean_ms": 2}', '{"rows": 1400, "calls_per_hour": 45, "mean_ms": 2.9}'), false,
  'less than half as much again of each is the same');
select is(_wedding_dbopt.has_changed('{"rows": 1000}', '{"rows": 1500}'), true, 'half as many rows again');
select is(_wedding_dbopt.has_changed('{"calls_per_hour": 60}', '{"calls_per_hour": 40}'), true, 'a third fewer calls');
select is(_wedding_dbopt.has_changed('{"mean_ms": 0.2}', '{"mean_ms": 0.31}'), true, 'half as slow again, also below a millisecond');
select is(_wedding_dbopt.has_changed(null, '{"rows": 5}'), false, 'nothing known, nothing changed');
select * from finish();
rollback;
