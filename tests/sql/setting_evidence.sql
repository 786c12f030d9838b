-- The figures of the advisers: what was planted is what they read.
begin;
select plan(50);
create function pg_temp.since() returns timestamptz language sql as $$ select timestamptz '2001-05-10 10:00Z' $$;
create function pg_temp.until() returns timestamptz language sql as $$ select timestamptz '2001-05-10 12:00Z' $$;

-- Without samples nothing is known.
select is(memory, null, 'no memory without samples') from _wedding_dbopt.server_use(pg_temp.since(), pg_temp.until());
select is(hours, null, 'no hours either') from _wedding_dbopt.server_use(pg_temp.since(), pg_temp.until());
select is_empty($$ select from _wedding_dbopt.spilling_statements('2001-05-10 10:00Z', '2001-05-10 12:00Z') $$, 'nothing spilled');
select is_empty($$ select from _wedding_dbopt.flip_candidates('2001-05-10 10:00Z', '2001-05-10 12:00Z') $$, 'nothing flipped');
select is(_wedding_dbopt.connection_use(pg_temp.until()) -> 'peak', 'null', 'no connections were seen');

-- Parameters: who says what.
create role tap_app login;
alter role tap_app set work_mem = '8MB';
alter role tap_app in database test set work_mem = '16MB';
alter database test set jit = off;
select is(value, '4096', 'the server''s value, whatever the session says') from _wedding_dbopt.parameter_values() where name = 'work_mem';
set local work_mem = '1MB';
select is(value, '4096', 'also when it differs') from _wedding_dbopt.parameter_values() where name = 'work_mem';
select is(unit, 'kB', 'in its unit') from _wedding_dbopt.parameter_values() where name = 'work_mem';
select is(role_values, '{"tap_app": "16MB"}', 'a role''s value here stands before that everywhere') from _wedding_dbopt.parameter_values() where name = 'work_mem';
select is(database_value, 'off', 'the database''s value') from _wedding_dbopt.parameter_values() where name = 'jit';
select is(source, 'command line', 'what the command line fixes is told') from _wedding_dbopt.parameter_values() where name = 'max_connections';
select is(context, 'postmaster', 'and what needs a restart') from _wedding_dbopt.parameter_values() where name = 'shared_buffers';

-- Two hours of a machine: 16 GB, 40 connections at most, four checkpoints requested.
insert into _wedding_dbopt.system_sample (at, memory_total, memory_available, backend_memory, disk_total, disk_free, checkpoints_requested, checkpoints_timed, wal_bytes, blks_hit, blks_read, temp_bytes, deadlocks, autovacuum_workers)
select pg_temp.since() + n * interval '30 minutes', 16e9, 8e9 - n * 1e9, 10e6, 100e9, 50e9, 1, 2, 1e6, 1000, 10, 5000, 0, n % 3
from generate_series(1, 4) n;
insert into _wedding_dbopt.connection_sample (at, samples, active, idle, idle_in_transaction, waiting, total, active_avg, idle_in_transaction_avg, active_max, total_max, max_connections, reserved, by_role)
select pg_temp.since() + n * interval '30 minutes', 6, 1, 18, 0, 0, 20, 2, 0.5, 5, 30 + 2 * n, 53, 3,
  jsonb_build_object('tap_app', jsonb_build_object('max', 20 + n, 'active_max', 4, 'active_avg', 1), 'gone', jsonb_build_object('max', 5, 'active_max', 1, 'active_avg', 1))
from generate_series(1, 4) n;
create temporary table use as select * from _wedding_dbopt.server_use(pg_temp.since(), pg_temp.until());
select is(hours, 1.5, 'hours between the first and the last sample') from use;
select is((memory, memory_available), (16000000000, 4000000000), 'the least memory that was available') from use;
select is((connections_peak, connections_usable), (38, 50), 'the most connections, and those that may be used') from use;
select is(by_role, '{"tap_app": 24, "gone": 5}', 'the most of each role') from use;
select is((requested_checkpoints, timed_checkpoints), (4::bigint, 8::bigint), 'checkpoints') from use;
select is(disk_free, 50000000000, 'the disk') from use;
select is(autovacuum_workers_peak, 2, 'the most autovacuum workers at once') from use;

-- Statements: one spills, one is another database's, one is ours, one flips.
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, own, kind, tables, context, criticality)
select v.queryid, coalesce(v.dbid, d.oid), r.oid, true, '2001-05-01Z', v.own, 'select', '{tap.thing}', 'booking', 'critical'
from pg_database d, pg_roles r, (values (1, null::oid, false), (2, 1, false), (3, null, true), (4, null, false)) as v(queryid, dbid, own)
where d.datname = current_database() and r.rolname = 'tap_app';
create temporary table ids as select queryid as n, id from _wedding_dbopt.statement where first_seen = '2001-05-01Z';
select _wedding_dbopt.store_texts(array_agg(id), array_agg('select ' || n)) from ids \g /dev/null
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, rows, hit, read, temp_written, read_us)
select pg_temp.since() + m * interval '10 minutes', pg_temp.since() + (m - 1) * interval '10 minutes', true, (select array_agg(id order by n) from ids),
  '{10,10,10,10}', '{10000,10000,10000,10000}', '{10,10,10,10}', '{1,1,1,10}', array[100, 100, 100, case when m <= 6 then 100 else 4000 end], '{10,0,0,0}', '{300,300,300,0}',
  '{5000,0,0,0}'
from generate_series(1, 12) m;
create temporary table spill as select * from _wedding_dbopt.spilling_statements(pg_temp.since(), pg_temp.until());
select is((count(*), min(statement_id)), (1::bigint, (select id from ids where n = 1)), 'ours and those of other databases are not among the spilling ones') from spill;
select is((calls, temp_blocks, exec_ms), (120::bigint, 3600::bigint, 120::float8), 'calls, blocks and time of the window') from spill;
select is((role, superuser, own_value), ('tap_app'::text, false, '16MB'::text), 'who runs it, and what the role has here') from spill;
select is((read_blocks, read_ms), (120::bigint, 60::float8), 'measured reads') from _wedding_dbopt.server_use(pg_temp.since(), pg_temp.until());
select is(array_agg(statement_id), array(select id from ids where n = 4), 'only the statement whose blocks jumped may have flipped')
from _wedding_dbopt.flip_candidates(pg_temp.since(), pg_temp.until());
select is((slowest_ms, idle_in_transaction_s), (1::float8, null::numeric), 'the mean of a role''s slowest statement') from _wedding_dbopt.role_use(pg_temp.since(), pg_temp.until()) where role = 'tap_app';
insert into _wedding_dbopt.alert (key, kind, severity, opened_at, updated_at, value, peak, threshold, message)
values ('tap', 'idle_in_transaction', 'warning', '2001-05-10 11:00Z', '2001-05-10 11:20Z', 900, 1200, 120, 'Session 17 of tap_app (web) has been idle inside a transaction for 20 minutes.');
select is(idle_in_transaction_s, 1200::numeric, 'a forgotten transaction is the role''s whom the alert names') from _wedding_dbopt.role_use(pg_temp.since(), pg_temp.until()) where role = 'tap_app';
select is(own ->> 'work_mem' in ('8MB', '16MB'), true, 'with the role''s own settings') from _wedding_dbopt.role_use(pg_temp.since(), pg_temp.until()) where role = 'tap_app';

-- Tables, their indexes, views.
create schema tap;
create table tap.thing (id integer primary key, status text, note text, day date) with (fillfactor = 90);
create index thing_status on tap.thing (lower(status)) where day is not null;
create materialized view tap.top as select status, count(*) from tap.thing group by status;
create unique index top_status on tap.top (status);
create materialized view tap.plain as select 1 as one;
insert into _wedding_dbopt.table_sample (at, previous_at, complete, relids, seq_scan, idx_scan, inserted, updated, deleted, hot_updated, dead, heap_hit, heap_read)
select pg_temp.since() + m * interval '1 hour', pg_temp.since() + (m - 1) * interval '1 hour', true, array['tap.thing'::regclass, 'tap.top'::regclass]::oid[],
  '{1,7}', '{5,0}', '{100,0}', '{1000,0}', '{10,0}', '{300,0}', array[200 * m, 0], '{900,10}', '{100,0}'
from generate_series(1, 2) m;
insert into _wedding_dbopt.index_sample (at, previous_at, complete, relids, blks_hit, blks_read)
values ('2001-05-10 11:00Z', '2001-05-10 10:00Z', true, array['tap.thing_pkey'::regclass]::oid[], '{400}', '{0}');
create temporary table used as select * from _wedding_dbopt.table_use(pg_temp.since(), pg_temp.until()) where schema_name = 'tap';
select is((inserted, updated, deleted, hot_updated, most_dead), (200::bigint, 2000::bigint, 20::bigint, 600::bigint, 400::bigint), 'what was done to a table in the window, and the most dead rows') from used where table_name = 'thing';
select is(array(select unnest(indexed_columns) order by 1), '{day,id,status}', 'keys, expressions and predicates of indexes count') from used where table_name = 'thing';
select is((options, indexes, hours), ('{fillfactor=90}'::text[], 2, 2::float8), 'options, indexes and hours') from used where table_name = 'thing';
select ok(xid_share between 0 and 0.5, 'its age as a share of the forced vacuum''s') from used where table_name = 'thing';
select is((kind, blocks_per_hour), ('index'::text, 200::float8), 'blocks of an index an hour') from _wedding_dbopt.hot_relations(pg_temp.since(), pg_temp.until()) where name = 'tap.thing_pkey';
select is((kind, blocks_per_hour), ('table'::text, 1000::float8), 'blocks of a table an hour') from _wedding_dbopt.hot_relations(pg_temp.since(), pg_temp.until()) where name = 'tap.thing';
-- F9: what a season asks for is remembered until it comes back, whatever the weeks before it ask for.
select is_empty($$ select from _wedding_dbopt.season_relations('2002-04-30 12:00Z') $$, 'a season that was never seen left no memory');
select _wedding_dbopt.remember_season(pg_temp.until()) \g /dev/null
select _wedding_dbopt.remember_season(pg_temp.until() + interval '1 hour') \g /dev/null
select results_eq($$ select name, kind, blocks_per_hour from _wedding_dbopt.season_relations('2002-04-30 12:00Z') where schema_name = 'tap' order by 1 $$,
  $$ values ('tap.thing', 'table', 1000::float8), ('tap.thing_pkey', 'index', 200::float8), ('tap.top', 'table', 10::float8) $$, 'once a day, what was hot in the season is noted');
select is_empty($$ select from _wedding_dbopt.season_relations('2002-03-30 12:00Z') $$, 'no season begins: none is asked for');
select is_empty($$ select from _wedding_dbopt.season_relations('2002-05-03 12:00Z') $$, 'it has begun: the hours before say more');
update _wedding_dbopt.season_use set last_seen = last_seen - interval '1 day', blocks_per_hour = 2000, days = 3 where name = 'tap.thing';
select _wedding_dbopt.remember_season(pg_temp.until() + interval '21 hours') \g /dev/null
select is((blocks_per_hour, days), (1750::float8, 4), 'the mean over its days') from _wedding_dbopt.season_use where name = 'tap.thing';
update _wedding_dbopt.season_use set last_seen = last_seen - interval '1 year';
select _wedding_dbopt.remember_season(pg_temp.until() + interval '21 hours') \g /dev/null
select is((blocks_per_hour, days), (1000::float8, 1), 'a new year replaces the old one') from _wedding_dbopt.season_use where name = 'tap.thing';
select is((scans, changed, refreshes, unique_index, populated), (14::bigint, 2220::bigint, 0::bigint, true, true), 'a view that is read and out of date')
from _wedding_dbopt.view_use(pg_temp.since(), pg_temp.until()) where view = 'top';
select is((scans, unique_index), (0::bigint, false), 'one that nobody reads and that has no key') from _wedding_dbopt.view_use(pg_temp.since(), pg_temp.until()) where view = 'plain';

-- Connections: numbers of get_capacity(), the roles that are still there, and the season that comes.
create temporary table connection as select _wedding_dbopt.connection_use(pg_temp.until()) as j;
select is(j -> 'usable', '50', 'usable connections') from connection;
select is((j ->> 'busy')::numeric, (wedding_dbopt.get_capacity(pg_temp.until()) #>> '{basis,busy_sessions}')::numeric + (wedding_dbopt.get_capacity(pg_temp.until()) #>> '{basis,sessions_held_in_transactions}')::numeric,
  'busy sessions are those of get_capacity()') from connection;
select is(j -> 'roles', '[{"role": "tap_app", "peak": 24, "limit": -1, "superuser": false, "active_peak": 4}]', 'roles that are still there') from connection;
select is((_wedding_dbopt.connection_use('2001-04-15 12:00Z') ->> 'coming_factor')::numeric, 1.0, 'far from the season nothing is coming');
select is((_wedding_dbopt.connection_use('2001-04-29 12:00Z') ->> 'coming_factor')::numeric, 4.0, 'two days before the season its multiplier is');
select ok(_wedding_dbopt.connection_use('2001-04-29 12:00Z') ->> 'coming' like 'the season wedding begins%', 'and it is named');
select is(_wedding_dbopt.connection_use('2001-05-01 06:00Z') -> 'season', '"wedding"', 'on its first day too, because the last day was seen outside');
select is((_wedding_dbopt.connection_use('2001-05-03 12:00Z') ->> 'coming_factor')::numeric, 1.0, 'inside the season it has come');
select is((_wedding_dbopt.connection_use('2001-10-31 12:00Z') ->> 'coming_factor')::numeric <= 1, true, 'and at its end less is coming');

select * from finish();
rollback;
