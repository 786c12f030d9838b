begin;
select plan(13);

create schema tap;
create table tap.things (id integer primary key, a integer, b integer, c integer);
insert into tap.things select n, n % 10, n, n from generate_series(1, 20000) as n;
create index used on tap.things (a);
create index unused on tap.things (b);
create index twin on tap.things (a);
create index broken on tap.things (c);
update pg_index set indisvalid = false where indexrelid = 'tap.broken'::regclass;

create temporary table nothing as select * from wedding_dbopt.get_index_usage_stats('1 hour', '2001-06-02 12:30Z') where schemaname = 'tap';
select is(count(efficiency_ratio) + count(index_scans_window), 0::bigint, 'without history the window''s figures are null') from nothing;

insert into _wedding_dbopt.index_sample (at, previous_at, complete, relids, idx_scan, idx_tup_read, idx_tup_fetch, blks_hit, blks_read)
values ('2001-06-02 12:00Z', '2001-06-02 11:59Z', true, array['tap.used'::regclass]::oid[], '{30}', '{300}', '{250}', '{99}', '{1}');
insert into _wedding_dbopt.table_sample (at, previous_at, complete, relids, inserted, updated, hot_updated)
values ('2001-06-02 12:00Z', '2001-06-02 11:59Z', true, array['tap.things'::regclass]::oid[], '{6}', '{10}', '{6}');
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, tables, context)
select v.queryid, oid, 1, true, '2001-06-01Z', '{tap.things}', v.context
from pg_database, (values (1, 'payment'), (2, 'timeline')) as v(queryid, context) where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq)
select '2001-06-02 12:00Z', '2001-06-02 11:59Z', true, array_agg(id order by queryid), '{50,1}', '{50000,90000}', '{50,8100}'
from _wedding_dbopt.statement where first_seen = '2001-06-01Z';

create temporary table result as
  select row_number() over () as place, * from wedding_dbopt.get_index_usage_stats('1 hour', '2001-06-02 12:30Z');
select is(indexrelname, 'broken'::name, 'the invalid index comes first') from result where schemaname = 'tap' order by place limit 1;
select is(optimization_priority, 100.0, 'an invalid index has priority 100') from result where indexrelname = 'broken';
select is(array[optimization_priority::text, is_redundant::text], '{90.0,true}', 'the younger of two equal indexes is redundant') from result where indexrelname = 'twin';
select ok(not is_redundant, 'the older one stays') from result where indexrelname = 'used' and schemaname = 'tap';
select is(index_scans_window, 30::bigint, 'scans of the window') from result where indexrelname = 'used' and schemaname = 'tap';
select is(writes_window, 10::bigint, 'entries that writes added: inserts and updates that were not HOT') from result where indexrelname = 'used' and schemaname = 'tap';
select is(efficiency_ratio, 0.75, '30 scans against 10 writes') from result where indexrelname = 'used' and schemaname = 'tap';
select is(cache_hit_ratio, 0.99, 'hits over blocks') from result where indexrelname = 'used' and schemaname = 'tap';
select is(efficiency_ratio, 0.0, 'an unused index is worth 0') from result where indexrelname = 'unused';
select ok(is_primary and is_unique and is_constraint and optimization_priority = 0, 'a primary key is left in peace')
  from result where indexrelname = 'things_pkey' and schemaname = 'tap';
select is(wedding_relevance, 'timeline', 'the context that spends most time on the table') from result where indexrelname = 'used' and schemaname = 'tap';
select throws_ok($$select wedding_dbopt.get_index_usage_stats('0 hours')$$, '22023', 'time_window must be positive', 'an empty window is refused');
select * from finish();
rollback;
