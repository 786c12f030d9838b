begin;
select plan(16);

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality)
select -g, oid, 10, true, '2001-03-01Z', 'booking', 'critical' from pg_database, generate_series(1, 2) g where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select at, at - interval '1 hour', true, array[id], '{10}', '{50000}', '{300}'
from _wedding_dbopt.statement, generate_series(timestamptz '2001-03-19 01:00Z', '2001-03-21 03:00Z', '1 hour') as at where first_seen = '2001-03-01Z' and queryid = -1;

-- The automatic ones: the day before, once.
select _wedding_dbopt.take_baseline('2001-03-20 00:10Z');
select _wedding_dbopt.take_baseline('2001-03-20 05:00Z');
select is((select array_agg(name) from wedding_dbopt.get_baselines()), '{"daily 2001-03-19"}', 'a day has one baseline');
select is((select array[since, until] from wedding_dbopt.get_baselines()), '{"2001-03-19 00:00Z","2001-03-20 00:00Z"}'::timestamptz[], 'of that day');
select is((select array[statements, total_calls, total_exec_time, avg_duration] from wedding_dbopt.get_baselines()), '{1,240,1200.000,5.000000}', 'with its sums');
select is((select origin from wedding_dbopt.get_baselines()), 'daily', 'and its origin');
update _wedding_dbopt.setting set value = 'America/New_York' where name = 'time_zone';
select _wedding_dbopt.take_baseline('2001-03-21 04:30Z');
select is((select array[since, until] from wedding_dbopt.get_baselines('daily 2001-03-20') where name = 'daily 2001-03-20'), null, 'a day ends by the time zone of the setting');
select _wedding_dbopt.take_baseline('2001-03-21 05:30Z');
select is((select array[since, until] from wedding_dbopt.get_baselines('daily 2001-03-20')), '{"2001-03-20 05:00Z","2001-03-21 05:00Z"}'::timestamptz[], 'and begins by it');
update _wedding_dbopt.setting set value = 'UTC' where name = 'time_zone';
select _wedding_dbopt.take_baseline('2001-04-20 01:00Z');
select is((select count(*) from wedding_dbopt.get_baselines()), 2::bigint, 'a day without calls has none');

-- Before a tuning run.
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode) values ('call', 'tap', '2001-03-21Z', 'moderate', false);
select _wedding_dbopt.take_run_baseline(id, '2001-03-21Z') from _wedding_dbopt.tuning_run where requested_by = 'tap';
select is((select b.run_id from wedding_dbopt.get_baselines('before run ' || r.id) b), r.id, 'a run remembers its baseline') from _wedding_dbopt.tuning_run r where r.requested_by = 'tap';
select is((wedding_dbopt.get_tuning_run(r.id) ->> 'baseline_id')::bigint, b.id, 'and names it') from _wedding_dbopt.tuning_run r join _wedding_dbopt.baseline b on b.id = r.baseline_id where r.requested_by = 'tap';
select is((select count(*) from _wedding_dbopt.baseline_catalogue), 1::bigint, 'baselines share one catalogue while nothing changes');
select wedding_dbopt.create_baseline('tap', null, '1 day', '2001-03-20Z') \g /dev/null
select is((select name from wedding_dbopt.get_baselines(limit_count => 1)), 'daily 2001-03-20', 'the one that ends last comes first');
select cmp_ok((select bytes from wedding_dbopt.get_baselines('tap')), '>', 0::bigint, 'and their size');

-- Retention.
select _wedding_dbopt.take_baseline('2001-08-01Z');
select is((select array_agg(name) from wedding_dbopt.get_baselines()), '{tap}', 'automatic ones go, made ones stay');
select is((select baseline_id from _wedding_dbopt.tuning_run where requested_by = 'tap'), null, 'the run stays');
delete from _wedding_dbopt.statement_sample where at < '2002-01-01Z';
select _wedding_dbopt.drop_statements('2001-08-01Z');
select is((select array_agg(queryid) from _wedding_dbopt.statement where first_seen = '2001-03-01Z'), '{-1}', 'a statement stays as long as a baseline holds it');
select throws_ok('select * from wedding_dbopt.get_baselines(limit_count => 0)', '22023', 'limit_count must be positive', 'a bad limit is refused');
select * from finish();
rollback;
