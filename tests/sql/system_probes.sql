-- Sources of other versions have stand-ins with the same columns; everything is rolled back.
begin;
select plan(17);
call wedding_dbopt.collect('2101-02-01 00:00Z');
call wedding_dbopt.collect('2101-02-01 00:01Z');
create temporary table now as select * from _wedding_dbopt.system_sample where at = '2101-02-01 00:01Z';
select ok(xid_age > 0 and multixact_age >= 0 and oldest_table_age > 0 and prepared_transactions = 0 and autovacuum_workers >= 0, 'ages and workers') from now;
select ok(wal_bytes >= 0 and wal_records >= 0 and wal_full_pages >= 0 and temp_files >= 0 and checkpoints_timed >= 0 and checkpoint_buffers >= 0
          and coalesce(backend_buffers >= 0, to_regclass('pg_catalog.pg_stat_checkpointer') is not null), 'WAL, temporary files and checkpoints') from now;
select ok(slots = '[]' and standbys = '[]', 'no slot and no standby are empty lists') from now;
select ok(io is null or to_regclass('pg_catalog.pg_stat_io') is not null, 'what this version does not count is null') from now;
select is((select age(relfrozenxid) from pg_class where oid = oldest_table), (select max(age(relfrozenxid)) from pg_class where relkind in ('r', 'm', 't')),
  'the oldest table') from now;

select pg_create_physical_replication_slot('tap_slot', true) \gset
select is(s ->> 'name' || ' ' || (s ->> 'active') || ' ' || ((s ->> 'retained_bytes')::numeric >= 0), 'tap_slot false true', 'a slot shows with the WAL that it keeps')
  from jsonb_array_elements(_wedding_dbopt.probe_replication(now()) -> 'slots') s where s ->> 'name' = 'tap_slot';
select pg_drop_replication_slot('tap_slot') \gset

set local allow_system_table_mods = on;
do $$
declare
  source text;
begin
  foreach source in array array['pg_stat_checkpointer', 'pg_stat_io'] loop
    if to_regclass('pg_catalog.' || source) is not null then
      execute format('alter view pg_catalog.%I rename to %I', source, source || '_away');
    end if;
  end loop;
  delete from _wedding_dbopt.system_last;
end $$;
create view pg_catalog.pg_stat_checkpointer as
  select 7::bigint as num_timed, 3::bigint as num_requested, 100::float8 as write_time, 20::float8 as sync_time, 40::bigint as buffers_written, timestamptz '2100-01-01Z' as stats_reset;
select _wedding_dbopt.probe_checkpoints('2101-02-01 00:02Z') \gset
create or replace view pg_catalog.pg_stat_checkpointer as
  select 9::bigint as num_timed, 8::bigint as num_requested, 160::float8 as write_time, 25::float8 as sync_time, 90::bigint as buffers_written, timestamptz '2100-01-01Z' as stats_reset;
select is(_wedding_dbopt.probe_checkpoints('2101-02-01 00:03Z'),
  '{"checkpoints_requested": 5, "checkpoints_timed": 2, "checkpoint_write_ms": 60, "checkpoint_sync_ms": 5, "checkpoint_buffers": 50, "backend_buffers": null}',
  'checkpoints as PostgreSQL 17 counts them');
create view pg_catalog.pg_stat_io as
  select 'client backend' as backend_type, 'relation' as object, 'normal' as context, 10::bigint as reads, 5::bigint as writes, null::bigint as extends,
         0::bigint as fsyncs, 1::bigint as evictions, timestamptz '2100-01-01Z' as stats_reset
  union all select 'client backend', 'relation', 'vacuum', 2, 0, 0, null, 0, '2100-01-01Z';
select is(_wedding_dbopt.probe_io('2101-02-01 00:02Z') -> 'io', 'null', 'the first reading of I/O has nothing to compare with');
create or replace view pg_catalog.pg_stat_io as
  select 'client backend' as backend_type, 'relation' as object, 'normal' as context, 15::bigint as reads, 5::bigint as writes, null::bigint as extends,
         0::bigint as fsyncs, 4::bigint as evictions, timestamptz '2100-01-01Z' as stats_reset
  union all select 'client backend', 'relation', 'vacuum', 3, 0, 0, null, 0, '2100-01-01Z';
select is(_wedding_dbopt.probe_io('2101-02-01 00:03Z') -> 'io', '{"client backend reads": 6, "client backend evictions": 3}', 'I/O by kind of process, summed over contexts');
create or replace view pg_catalog.pg_stat_io as
  select 'client backend' as backend_type, 'relation' as object, 'normal' as context, 1/0::bigint as reads, 5::bigint as writes, null::bigint as extends,
         0::bigint as fsyncs, 4::bigint as evictions, timestamptz '2100-01-01Z' as stats_reset;
call wedding_dbopt.collect('2101-02-01 00:04Z');
select ok(io is null and xid_age > 0, 'a source that fails is null, the others go on') from _wedding_dbopt.system_sample where at = '2101-02-01 00:04Z';
select is((select sqlstate from _wedding_dbopt.collect_log where at = '2101-02-01 00:04Z' and source = 'system: io'), '22012', 'and the log says why');

-- Disks beside that of the data: what is not there is passed over, what lies on the same disk is not another one.
select is_empty($$select * from _wedding_dbopt.other_disks('/proc/self', '{WAL,gone,same}', '{/proc/1,/nowhere,/proc}')$$, 'no disk, no row');
select results_eq($$select name, total > 0 and free between 0 and total from _wedding_dbopt.other_disks('/proc', '{WAL,gone,data}', array['/', '/nowhere', '/etc'])$$,
  $$values ('WAL, data', true)$$, 'a disk is named by what lies on it');
insert into _wedding_dbopt.system_sample (at, disk_total, disk_free, xid_age, other_disks) values
  ('2101-02-02 12:00Z', 1e11, 5e10, 1000, '[{"name": "WAL, tablespace fast", "total": 1000000000, "free": 30000000}, {"name": "tablespace old", "total": 1000, "free": 900}]'),
  ('2101-02-02 12:01Z', 1e11, 5e10, 1000, null);
update _wedding_dbopt.system_sample set slots = '[{"name": "idle", "active": false, "retained_bytes": 15000000, "wal_status": "extended"}]' where at = '2101-02-02 12:01Z';
select results_eq($$select kind, object, round(value::numeric, 1), message from _wedding_dbopt.watch_server('2101-02-02 12:01Z') where kind in ('disk_used', 'slot_retention') and value > 0 order by kind, value desc$$,
  $$values ('disk_used', 'disk of WAL, tablespace fast', 97.0, 'The disk of WAL, tablespace fast is 97.0 % full, 29 MB are free.'),
           ('slot_retention', 'idle', 50.0, 'Nobody reads replication slot idle, and it keeps 14 MB of WAL; 29 MB of the disk are free.')$$,
  'a disk of WAL of its own is watched, also between two looks, and slots are measured against it');
select results_eq($$select severity, object, reason from _wedding_dbopt.check_collection('2101-02-02 12:01Z') where kind = 'disk_space'$$,
  $$values ('critical', 'WAL, tablespace fast', '29 MB of 954 MB are free on the disk of WAL, tablespace fast: when it is full, the server stops.')$$, 'and it is on the health page');
select is(_wedding_dbopt.system_resources('2101-02-02 12:01Z') #>> '{other_disks,0,name}', 'WAL, tablespace fast', 'and among the figures of the machine');
delete from _wedding_dbopt.system_sample where at >= '2101-02-02 12:00Z';

insert into _wedding_dbopt.system_sample (at, disk_free, multixact_age, xmin_age, xmin_holder, prepared_transactions, oldest_prepared_s, slots, standbys)
values ('2101-02-02 00:00Z', 10000000000, 1600000000, 50000000, 'replication slot old', 1, 3600,
  '[{"name": "idle", "active": false, "retained_bytes": 2000000000, "wal_status": "extended"}, {"name": "full", "active": false, "retained_bytes": 6000000000, "wal_status": "extended"},
    {"name": "dead", "active": false, "retained_bytes": null, "wal_status": "lost"}, {"name": "good", "active": true, "retained_bytes": 2000000000, "wal_status": "extended"}]',
  '[{"name": "late", "lag_bytes": 1000, "lag_s": 90}, {"name": "good", "lag_bytes": 1000, "lag_s": null}]');
select is(_wedding_dbopt.system_resources('2101-02-02 00:01Z') #>> '{standbys,0,name}', 'late', 'all of it is among the figures of the machine');
select * from finish();
rollback;
