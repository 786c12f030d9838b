begin;
select plan(3);
select wedding_dbopt.add_replica('reports', 'host=/nowhere dbname=app');
select is(wedding_dbopt.remove_replica('reports'), '{"success": true, "name": "reports"}', 'a replica goes');
select is((select count(*) from wedding_dbopt.get_replicas()) + (select count(*) from _wedding_dbopt.replica_dsn), 0::bigint, 'with its connection string');
select throws_ok($$select wedding_dbopt.remove_replica('reports')$$, 'P0002', 'There is no replica ''reports''', 'one that is not there is named');
select * from finish();
rollback;
