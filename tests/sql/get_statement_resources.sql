-- Stand-ins with the columns of the real extensions, so that this is tested wherever they are not; all is rolled back.
begin;
select plan(17);
select is(_wedding_dbopt.pass_sources() && array['resources', 'wait_profile'], false, 'what is not installed is no source');
select _wedding_dbopt.sample_filters('2101-01-01Z') \gset
select is((select count(*) from _wedding_dbopt.collect_log where at = '2101-01-01Z'), 0::bigint, 'nor does it fail');

create schema stand_in;
insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
select 99990 + n, name, 10, 'stand_in'::regnamespace, false, '1' from unnest(array['pg_stat_kcache', 'pg_wait_sampling', 'pg_qualstats']) with ordinality as v (name, n);
set local "pg_wait_sampling.profile_period" = '10';
select ok(_wedding_dbopt.pass_sources() @> array['resources', 'wait_profile'], 'what is installed is one');
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality, own)
select v.queryid, oid, 10, true, '2101-01-01Z', 'payment', 'critical', v.own from pg_database, (values (71, false), (72, true), (73, false)) as v (queryid, own)
where datname = current_database();

create table stand_in.kcache (queryid bigint, cpu float8, reads bigint, writes bigint);
create table stand_in.profile (pid int, event_type text, event text, queryid bigint, count bigint);
create table stand_in.quals (queryid bigint, lrelid oid, lattnum smallint, opno oid, execution_count bigint, nbfiltered bigint);
create function stand_in.pg_stat_kcache(out queryid bigint, out top bool, out userid oid, out dbid oid, out plan_reads bigint, out plan_writes bigint,
  out plan_user_time float8, out plan_system_time float8, out exec_reads bigint, out exec_writes bigint, out exec_user_time float8, out exec_system_time float8)
returns setof record language sql as $$
  select k.queryid, true, 10::oid, d.oid, 0::bigint, 0::bigint, 0::float8, 0::float8, k.reads, k.writes, k.cpu, 0.001::float8
  from stand_in.kcache k, pg_database d where d.datname = current_database()
$$;
create function stand_in.pg_wait_sampling_get_profile(out pid int, out event_type text, out event text, out queryid bigint, out count bigint)
returns setof record language sql as 'select * from stand_in.profile';
create function stand_in.pg_qualstats(out userid oid, out dbid oid, out lrelid oid, out lattnum smallint, out opno oid, out execution_count bigint,
  out nbfiltered bigint, out queryid bigint, out constvalue varchar)
returns setof record language sql as $$
  select 10::oid, d.oid, q.lrelid, q.lattnum, q.opno, q.execution_count, q.nbfiltered, q.queryid, 'jane@example.com'
  from stand_in.quals q, pg_database d where d.datname = current_database()
$$;

insert into stand_in.kcache values (71, 1.5, 8192, 0), (72, 9, 0, 0);
insert into stand_in.profile values (1, 'IO', 'DataFileRead', 71, 10), (2, 'IO', 'DataFileRead', 71, 5), (1, 'Lock', 'tuple', 0, 7), (1, null, null, 71, 99);
insert into stand_in.quals values (71, 'pg_class'::regclass, 2, 96, 10, 1000);
create function pg_temp.sample(at timestamptz) returns void language sql as $$
  select _wedding_dbopt.sample_resources(at), _wedding_dbopt.sample_wait_profile(at), _wedding_dbopt.sample_filters(at)
$$;
select pg_temp.sample('2101-01-01 00:00Z') \gset
select is((select count(*) from _wedding_dbopt.resource_sample) + (select count(*) from _wedding_dbopt.wait_profile_sample)
        + (select count(*) from _wedding_dbopt.filter_sample), 0::bigint, 'the first sample is a base line');
update stand_in.kcache set cpu = cpu + 0.25, reads = reads + 16384 where queryid = 71;
insert into stand_in.kcache values (73, 0.1, 0, 4096);
update stand_in.profile set count = count + 4 where pid = 2;
insert into stand_in.profile values (3, 'LWLock', 'WALWrite', 73, 2);
update stand_in.quals set execution_count = 15, nbfiltered = 1600;
select pg_temp.sample('2101-01-01 00:01Z') \gset
create temporary table used as select * from wedding_dbopt.get_statement_resources('1 minute', 10, '2101-01-01 00:01Z');
select is((select cpu_ms from used where query_hash = '71'), 250.0, 'the CPU time of the interval');
select is((select disk_read_bytes from used where query_hash = '71'), 16384::bigint, 'and what was really read');
select is((select wait_ms from used where query_hash = '71'), 40::bigint, 'four samples of 10 ms, over all processes');
select is((select waits from used where query_hash = '71'), '{"IO:DataFileRead": 40}', 'by event; work on a CPU is no wait');
select is((select rows_filtered from used where query_hash = '71'), 600::bigint, 'rows thrown away');
select results_eq($$select cpu_ms, disk_written_bytes, wait_ms, rows_filtered from used where query_hash = '73'$$, $$values (101.0, 4096::bigint, 20::bigint, null::bigint)$$,
  'a statement that is new counts from zero');
select is((select wedding_context from used where query_hash = '71'), 'payment', 'with its business context');
select is((select count(*) from used), 2::bigint, 'our own statements are left out');
select is((select cardinality(ids) from _wedding_dbopt.resource_sample where at = '2101-01-01 00:01Z'), 2, 'only what changed is stored');

update stand_in.kcache set cpu = 0.01, reads = 0 where queryid = 71;
delete from stand_in.kcache where queryid = 73;
select pg_temp.sample('2101-01-01 00:02Z') \gset
select is((select cpu_ms from wedding_dbopt.get_statement_resources('1 minute', 10, '2101-01-01 00:02Z') where query_hash = '71'), 11.0, 'after a reset the new figures count, and only they');
select is((select count(*) from _wedding_dbopt.keyed_last where source = 'resources'), 2::bigint, 'what is gone is forgotten');
drop function stand_in.pg_wait_sampling_get_profile();
call wedding_dbopt.collect('2101-01-01 00:03Z');
select is((select sqlstate from _wedding_dbopt.collect_log where at = '2101-01-01 00:03Z' and source = 'wait_profile'), '42883', 'a source that fails is logged, the pass goes on');
select throws_ok($$select wedding_dbopt.get_statement_resources('0 hours')$$, '22023', 'time_window must be positive', 'an empty window is refused');
select * from finish();
rollback;
