begin;
select plan(13);

select is((select count(*) from wedding_dbopt.health('2001-01-01Z') where check_name = 'collection' and severity = 'critical'), 1::bigint,
  'nothing collected is critical');
select is((select remedy from wedding_dbopt.health('2001-01-01Z') where check_name = 'collection'), 'select wedding_dbopt.schedule_jobs()', 'jobs mend it');
select wedding_dbopt.schedule_jobs() \g /dev/null
select is((select remedy from wedding_dbopt.health('2001-01-01Z') where check_name = 'collection'), 'select * from wedding_dbopt.check_installation()',
  'with jobs the question is why they do not run');
insert into _wedding_dbopt.collect_log (at, source) values ('2001-06-02 11:50Z', 'pass');
select is((select finding from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'collection'),
  'The last collection pass was 10.0 minutes ago.', 'a late collection shows with its age');
insert into _wedding_dbopt.collect_log (at, source)
select at, 'pass' from generate_series(timestamptz '2001-06-01 11:59Z', '2001-06-02 12:00Z', '1 minute') as at
where at not between '2001-06-02 03:01Z' and '2001-06-02 03:29Z';
insert into _wedding_dbopt.collect_log (at, source, sqlstate, reason) values ('2001-06-02 12:00Z', 'disk', '42501', 'permission denied');
select is((select finding from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'collection_gaps'),
  '1 gaps without a collection pass in the last 24 hours: 29 passes are missing, the longest gap was 30.0 minutes.', 'gaps show with their length');
select is((select object from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'collection_source'), 'disk', 'a source that gave nothing shows');

insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context)
select 77, oid, 1, true, '2001-06-01Z', 'payment' from pg_database where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, dealloc, entries, ids, calls, exec_us, exec_sq)
select at, at - interval '1 minute', true, dealloc, 10, array[id], '{10}', '{400000}', '{16000}'
from _wedding_dbopt.statement, (values (timestamptz '2001-06-02 02:00Z', 5), ('2001-06-02 12:00Z', 8)) as pass(at, dealloc)
where queryid = 77 and first_seen = '2001-06-01Z';
select is((select array[severity, object, left(finding, 74)] from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'objective_missed'),
  '{critical,payment,"10 calls of the last hour took 40.00 ms on average, the objective is 20 ms"}', 'a missed objective of a critical context');
select ok((select finding from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'pg_stat_statements_evictions')
  like 'pg_stat_statements threw entries out 3 times%', 'evictions are counted');

create schema tap;
create table tap.things (a integer);
create index first_one on tap.things (a);
create index "Second one" on tap.things (a);
create index broken on tap.things ((a + 1));
update pg_index set indisvalid = false where indexrelid = 'tap.broken'::regclass;
select is((select remedy from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'redundant_index' and object like 'tap.%'),
  'drop index concurrently tap."Second one"', 'of two equal indexes the younger one should go, quoted');
select is((select severity from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'invalid_index' and object = 'tap.broken'),
  'warning', 'an invalid index shows');

insert into _wedding_dbopt.action
  (action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality,
   attempts, created_at, finished_at, error)
values ('index_creation', 'failed', 'tap', 'things', 'lost', 'an index', '{create}', '{drop}', 'none', 'booking', 'critical', 3,
  '2001-06-02Z', '2001-06-02 10:00Z', 'disk full');
select ok((select finding from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'failed_action') like '%failed at%after 3 attempts: disk full',
  'a failed action shows with its error');
insert into _wedding_dbopt.connection_sample (at, active, idle, idle_in_transaction, waiting, total, max_connections, reserved, avg_age_s)
values ('2001-06-02 12:00Z', 6, 12, 2, 4, 95, 103, 3, 1);
select is((select array[severity, finding] from wedding_dbopt.health('2001-06-02 12:00Z') where check_name = 'connections'),
  '{critical,"95 of 100 usable connections are in use (95.00 %)."}', 'full connections are critical');
select is((select severity from wedding_dbopt.health('2001-06-02 12:00Z') limit 1), 'critical', 'the worst comes first');
select * from finish();
rollback;
