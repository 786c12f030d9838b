-- The procedure commits, so this file cannot be rolled back: its rows lie in 2001 and it removes them at the end.
select plan(40);

insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows)
select at, at - interval '10 minutes', true, '{-1,-2}', '{2,3}', '{4000,9000}', '{8,27}', '{20,0}'
from generate_series(timestamptz '2001-06-08 20:10Z', '2001-06-10 02:00Z', '10 minutes') as at;
insert into _wedding_dbopt.connection_sample (at, total) values ('2001-06-08 22:10Z', 7);
insert into _wedding_dbopt.recommendation
  (fingerprint, kind, schema_name, table_name, columns, sql, rollback_sql, context, criticality, priority, reason, created_at, updated_at, expires_at)
select 'tap ' || name, 'index', 'public', 'tap', '{id}', '{create}', '{drop}', 'other', 'low', 'low', 'test', '2001-05-01Z', '2001-05-01Z', expires_at
from (values ('old', timestamptz '2001-06-01Z'), ('young', '2001-07-01Z')) as v(name, expires_at);

create function pg_temp.total(since timestamptz, until timestamptz) returns text language sql as $$
  select string_agg(format('%s: %s calls, %s ms, %s, %s rows', s.statement_id, s.calls, round(s.exec_ms::numeric, 3), s.exec_sq, s.rows), '; ' order by s.statement_id desc)
  from _wedding_dbopt.statement_sum(since, until) s where s.statement_id < 0
$$;
create function pg_temp.hours() returns table (hour timestamptz, statement_id integer, calls bigint, rows bigint, exec_us bigint, exec_sq real, writer text)
language sql as $$
  select h.hour, unnest(h.ids), unnest(h.calls), unnest(h.rows), unnest(h.exec_us), unnest(h.exec_sq), h.xmin::text
  from _wedding_dbopt.statement_hour h where h.hour < '2002-01-01Z'
$$;
create temporary table before as
  select pg_temp.total('2001-06-01Z', '2001-06-11Z') as everything, pg_temp.total('2001-06-09 03:20Z', '2001-06-09 07:40Z') as part;
select is(everything, '-1: 360 calls, 720.000 ms, 1440, 3600 rows; -2: 540 calls, 1620.000 ms, 4860, 0 rows', 'sums of the raw samples') from before;

call wedding_dbopt.maintain('2001-06-09 12:00Z');
select is((select count(distinct source) from _wedding_dbopt.collect_log where at = '2001-06-09 12:00Z' and source like 'maintain: %' and reason is null and duration_ms >= 0), cardinality(_wedding_dbopt.maintenance_steps())::bigint,
  'each step is logged');
select is((select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace
           where nspname = '_wedding_dbopt' and relkind = 'r' and relispartition and relname ~ '_200106(09|1[0-6])$'),
  3::bigint * (cardinality(_wedding_dbopt.partitioned_tables()) - 5), 'each table of raw samples has partitions for today and two days ahead, but those that were never filled');
select is((select count(*) from _wedding_dbopt.statement_sample_default where at < '2002-01-01Z'), 0::bigint, 'rows in the default partition moved to their days');
select is((select count(*) from _wedding_dbopt.statement_sample where at < '2002-01-01Z'), 180::bigint, 'and none was lost');
select is((select tableoid::regclass::text from _wedding_dbopt.connection_sample where at = '2001-06-08 22:10Z'), '_wedding_dbopt.connection_sample_20010608', 'also in the other tables');

-- A day later the first day is past its retention.
call wedding_dbopt.maintain('2001-06-10 02:30Z');
select is((select min(at) from _wedding_dbopt.statement_sample), timestamptz '2001-06-09Z', 'whole days past the retention are dropped');
select is(to_regclass('_wedding_dbopt.connection_sample_20010608'), null, 'in all tables');
select is((select array[count(*), min(calls), max(calls)] from pg_temp.hours() where statement_id = -1), '{30,12,12}', 'each closed hour is rolled up');
select is((select array[calls, rows, exec_us, exec_sq] from pg_temp.hours() where statement_id = -2 and hour = '2001-06-09 10:00Z'),
  '{18,0,54000,162}', 'with the sums of its passes');
select is((select array[count(*), sum(d.calls[array_position(d.ids, -1)])] from _wedding_dbopt.statement_day d where d.day < '2002-01-01Z'), '{2,336}', 'and each closed day');
select is((select array[b.relations ? 'tables', b.server ? 'server_version', b.settings <> '{}', c.measured is null] from _wedding_dbopt.baseline b join _wedding_dbopt.baseline_catalogue c on c.fingerprint = b.catalogue
           where b.name = 'daily 2001-06-09'), '{t,t,t,t}', 'the baseline of the day has what the step before measured, and there it is gone');
select is(pg_temp.total('2001-06-01Z', '2001-06-11Z'), everything, 'statement_sum says the same with roll-ups') from before;
select is(pg_temp.total('2001-06-09 03:20Z', '2001-06-09 07:40Z'), part, 'also for a window that cuts hours') from before;

create temporary table newest as select pg_temp.total('2001-06-09 02:10Z', '2001-06-10 02:10Z') as part;
select is((select count(*) from _wedding_dbopt.recent_statements('2001-06-09 02:10Z', '2001-06-10 02:10Z')), 1::bigint, 'the last 23 hours are summed ahead');
begin;
delete from _wedding_dbopt.statement_recent;
select is(pg_temp.total('2001-06-09 02:10Z', '2001-06-10 02:10Z'), part, 'and that changes no sum') from newest;
rollback;

-- Nine days, of which a window of 30 days holds the sum that is made ahead.
begin;
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows)
select at, at - interval '10 minutes', true, '{-1,-2}', '{2,3}', '{4000,9000}', '{8,27}', '{20,0}' from generate_series(timestamptz '2001-08-01 05:10Z', '2001-08-09 18:00Z', '10 minutes') as at;
select _wedding_dbopt.roll_up_hours('2001-08-09 18:05Z'), _wedding_dbopt.roll_up_days('2001-08-06 00:05Z'), _wedding_dbopt.refresh_days('2001-08-06 00:05Z') \g /dev/null
select is((select count(*) from _wedding_dbopt.recent_statements('2001-07-07 00:30Z', '2001-08-06 00:30Z')), 0::bigint, 'five days are not summed ahead');
select _wedding_dbopt.roll_up_days('2001-08-09 18:05Z') \g /dev/null
create temporary table month as select pg_temp.total('2001-07-10 18:05Z', '2001-08-09 18:05Z') as total;
select _wedding_dbopt.refresh_days('2001-08-09 18:05Z') \g /dev/null
select is((select array[recent::text, cardinality(days)::text, cardinality(hours)::text] from _wedding_dbopt.window_parts('2001-07-10 18:05Z', '2001-08-09 18:05Z')),
  array[tstzrange('2001-07-11Z', '2001-08-09Z', '(]')::text, '0', '18'], 'eight are, and stand for all of them');
select is(pg_temp.total('2001-07-10 18:05Z', '2001-08-09 18:05Z'), total, 'which changes no sum') from month;
select is((select recent from _wedding_dbopt.window_parts('2001-08-02 18:05Z', '2001-08-09 18:05Z')), null, 'a week does not hold them');
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq) values ('2001-08-03 01:15Z', '2001-08-03 01:10Z', true, '{-1}', '{100}', '{1000}', '{1}');
select _wedding_dbopt.roll_up_hours('2001-08-09 18:31Z') \g /dev/null
select is((select recent from _wedding_dbopt.window_parts('2001-07-10 18:31Z', '2001-08-09 18:31Z')), null, 'nor do they count when a late sample got into one of their hours');
rollback;

create temporary table version as select * from pg_temp.hours();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
values ('2001-06-10 01:15Z', '2001-06-10 01:10Z', true, '{-1}', '{100}', '{1000}', '{1}');
begin;
select _wedding_dbopt.roll_up_hours('2001-06-10 02:31Z') \g /dev/null
select is((select count(*) from _wedding_dbopt.recent_statements('2001-06-09 02:10Z', '2001-06-10 02:10Z')), 0::bigint, 'what is summed ahead does not count when a late sample got into one of its hours');
rollback;
call wedding_dbopt.maintain('2001-06-10 02:31Z');
select is((select calls from pg_temp.hours() where statement_id = -1 and hour = '2001-06-10 01:00Z'), 112::bigint, 'a late sample gets into its hour');
select is((select count(distinct v.hour) from version v join pg_temp.hours() h using (hour, statement_id) where h.writer <> v.writer), 1::bigint, 'the other hours are not written again');

select is((select array[status, status_reason is not null || ''] from _wedding_dbopt.recommendation where fingerprint = 'tap old'), '{expired,true}', 'an old recommendation expires');
select is((select status from _wedding_dbopt.recommendation where fingerprint = 'tap young'), 'open', 'a young one stays');
select is((select count(*) from _wedding_dbopt.event e join _wedding_dbopt.recommendation r on e.subject_id = r.id::text
           where e.subject = 'recommendation' and r.fingerprint = 'tap old' and e.to_state = 'expired'), 1::bigint, 'and the event is kept');

create temporary table rolled as select pg_temp.total('2001-06-01Z', '2001-06-11Z') as everything;
-- A step that fails.
alter function _wedding_dbopt.roll_up_hours(timestamptz) rename to roll_up_hours_away;
call wedding_dbopt.maintain('2001-06-12 12:00Z');
alter function _wedding_dbopt.roll_up_hours_away(timestamptz) rename to roll_up_hours;
select results_eq($$select source, sqlstate from _wedding_dbopt.collect_log where at = '2001-06-12 12:00Z' and sqlstate is not null$$,
  $$values ('maintain: roll_up_hours', '42883')$$, 'a step that fails is logged');
select is((select count(distinct source) from _wedding_dbopt.collect_log where at = '2001-06-12 12:00Z' and source like 'maintain: %' and reason is null), cardinality(_wedding_dbopt.maintenance_steps())::bigint - 1, 'and the others go on');
select is(pg_temp.total('2001-06-01Z', '2001-06-13Z'), everything, 'sums from hours alone') from rolled;

-- Locks: advisory ones, which any role may take, are none; the rows of pass_lock are.
create extension if not exists dblink;
select dblink_connect('other', format('host=%s port=%s dbname=%s user=%s',
  split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database(), current_user)) \gset
select * from dblink('other', $$select pg_advisory_lock(hashtextextended('wedding_dbopt.collect', 0))::text || pg_advisory_lock(hashtextextended('wedding_dbopt.maintain', 0))::text$$) as (ok text) \gset
set statement_timeout = '20s';
call wedding_dbopt.maintain('2001-06-12 13:00Z');
reset statement_timeout;
select is((select count(distinct source) from _wedding_dbopt.collect_log where at = '2001-06-12 13:00Z' and reason is null), cardinality(_wedding_dbopt.maintenance_steps())::bigint, 'no step minds advisory locks of others');
select * from dblink('other', 'select pg_advisory_unlock_all()::text') as (ok text) \gset

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen) values (-1, 0, 0, true, '2001-01-01Z');
insert into _wedding_dbopt.text_chunk (chunk, ids, queries)
select _wedding_dbopt.chunk_of_text(s.id), array[-5, s.id], '{select tap, select gone}' from _wedding_dbopt.statement s where s.queryid = -1 and s.dbid = 0;
select is((select _wedding_dbopt.statement_query(s.id) from _wedding_dbopt.statement s where s.queryid = -1 and s.dbid = 0), 'select gone', 'a text is found in its chunk');
select dblink_exec('other', 'begin') \gset
select * from dblink('other', $$select name from _wedding_dbopt.pass_lock where name = 'collect' for update$$) as (name text) \gset
set statement_timeout = '20s';
call wedding_dbopt.maintain('2001-06-12 14:00Z');
reset statement_timeout;
select results_eq($$select source, sqlstate, reason from _wedding_dbopt.collect_log where at = '2001-06-12 14:00Z' and reason is not null$$,
  $$values ('maintain: drop_statements', '55P03', 'skipped: a collection pass is running')$$, 'no statement is dropped while a pass runs, and nothing waits for it');
select dblink_exec('other', 'rollback') \gset
select dblink_exec('other', 'begin') \gset
select * from dblink('other', $$select name from _wedding_dbopt.pass_lock where name = 'maintain' for update$$) as (name text) \gset
call wedding_dbopt.maintain('2001-06-12 15:00Z');
select is((select count(*) from _wedding_dbopt.collect_log where at = '2001-06-12 15:00Z' and reason = 'skipped'), cardinality(_wedding_dbopt.maintenance_steps())::bigint, 'all is skipped while another run goes on');
select dblink_exec('other', 'rollback') \gset
select dblink_disconnect('other') \gset

-- Windows ask for hours and days, trends for one chunk.
select has_index('_wedding_dbopt', 'statement_day', 'statement_day_day', array['day'], 'a day is found without reading all of them');
select has_index('_wedding_dbopt', 'statement_hour', 'statement_hour_pkey', array['chunk', 'hour'], 'and so are the hours of a chunk of statements');

-- The run log of pg_cron: our own jobs only.
select cron.schedule(name, '0 0 1 1 *', 'select 1') from (values ('wedding_dbopt tap'), ('tap of others')) as v(name) \g /dev/null
insert into cron.job_run_details (jobid, runid, command, end_time)
select j.jobid, -10 * j.jobid - n, 'tap', ended from cron.job j, (values (1, timestamptz '2001-06-01Z'), (2, '2001-09-30Z')) as v(n, ended) where j.jobname like '%tap%';

-- Hours go after 90 days, days stay.
call wedding_dbopt.maintain('2001-10-01Z');
select is(pg_temp.total('2001-06-01Z', '2001-06-13Z'), everything, 'sums from days alone') from rolled;
select is((select count(*) from _wedding_dbopt.statement where queryid = -1 and dbid = 0), 0::bigint, 'a forgotten statement goes with the next run');
select results_eq('select ids, queries from _wedding_dbopt.text_chunk where -5 = any (ids)', $$values ('{-5}'::integer[], '{select tap}'::text[])$$,
  'and its text with it, its neighbours'' texts stay');
delete from _wedding_dbopt.text_chunk where -5 = any (ids);

select is((select string_agg(j.jobname || ' ' || -d.runid % 10, ', ' order by j.jobname, -d.runid) from cron.job_run_details d join cron.job j using (jobid)
           where d.command = 'tap'), 'tap of others 1, tap of others 2, wedding_dbopt tap 2', 'old runs of our own jobs are pruned from the log of pg_cron, others are not');

delete from cron.job_run_details where command = 'tap';
select cron.unschedule(name) from (values ('wedding_dbopt tap'), ('tap of others')) as v(name) \g /dev/null
delete from _wedding_dbopt.statement_hour where hour < '2002-01-01Z';
delete from _wedding_dbopt.statement_day where day < '2002-01-01Z';
delete from _wedding_dbopt.rolled_hour where hour < '2002-01-01Z';
delete from _wedding_dbopt.rolled_day where day < '2002-01-01Z';
delete from _wedding_dbopt.event where subject = 'recommendation' and at < '2002-01-01Z';
delete from _wedding_dbopt.recommendation where fingerprint like 'tap %';
do $$
declare
  partition regclass;
begin
  for partition in select c.oid from pg_class c where c.relnamespace = '_wedding_dbopt'::regnamespace and c.relispartition and c.relname ~ '_2001\d{4}$' and c.relkind = 'r' loop
    execute format('drop table %s', partition);
  end loop;
end $$;
select * from finish();
