begin;
select plan(9);
select is(wedding_dbopt.add_replica('reports', 'host=/nowhere dbname=app password=hidden'), '{"success": true, "name": "reports"}', 'the answer does not repeat the connection string');
select results_eq('select name, fetched_at, reason from wedding_dbopt.get_replicas()', $$values ('reports', null::timestamptz, null::text)$$, 'a new replica was never fetched');
select wedding_dbopt.add_replica('reports', 'host=/elsewhere dbname=app');
select is((select dsn from _wedding_dbopt.replica_dsn), 'host=/elsewhere dbname=app', 'adding it again changes its connection string');
select is((select count(*) from _wedding_dbopt.event where subject = 'replica' and (reason like '%hidden%' or reason like '%where%')), 0::bigint, 'no event tells it');
select throws_ok($$select wedding_dbopt.add_replica('', 'host=x')$$, '22023', null, 'a name is needed');
select throws_ok($$select wedding_dbopt.add_replica('x', 'hidden')$$, '22023', 'The connection string of the replica cannot be read', 'a connection string must be one');

-- Counters that fall: the replica was restarted or its statistics reset.
create table tap_used (id int primary key);
select _wedding_dbopt.store_replica_use('reports', '2101-01-01 01:00Z', '[{"schema": "public", "name": "tap_used_pkey", "scans": 10, "tuples": 100}]');
select _wedding_dbopt.store_replica_use('reports', '2101-01-01 02:00Z', '[{"schema": "public", "name": "tap_used_pkey", "scans": 4, "tuples": 40}]');
select results_eq($$select s.scans, s.tuples from _wedding_dbopt.replica_sample s where s.at = '2101-01-01 02:00Z'$$, $$values ('{4}'::bigint[], '{40}'::bigint[])$$,
  'after a restart there the new scans count, and only they');
select is((select scans from _wedding_dbopt.replica_use where relid = 'tap_used_pkey'::regclass), 14::bigint, 'the sum goes on');
drop table tap_used;
select _wedding_dbopt.store_replica_use('reports', '2101-01-01 03:00Z', '[{"schema": "public", "name": "tap_used_pkey", "scans": 4, "tuples": 40}]');
select is_empty('select from _wedding_dbopt.replica_use', 'what is dropped here is forgotten');
select * from finish();
rollback;
