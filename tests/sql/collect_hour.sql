create extension if not exists dblink;
begin;
select plan(17);
select dblink_connect('other', format('host=%s port=%s dbname=%s user=%s',
  split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database(), current_user)) \gset
select dblink_exec('other', $$create schema tap_hour;
  create table tap_hour.things (id int primary key, body text); insert into tap_hour.things select n, repeat('x', 100) from generate_series(1, 5000) n;
  create table tap_hour.locked (id int);
  create sequence tap_hour.plain as smallint; select setval('tap_hour.plain', 16384);
  create sequence tap_hour.narrow; create table tap_hour.fed (id int default nextval('tap_hour.narrow')); alter sequence tap_hour.narrow owned by tap_hour.fed.id;
  select setval('tap_hour.narrow', 2000000000);
  create sequence tap_hour.down increment -1 minvalue -100 maxvalue -1; select setval('tap_hour.down', -90);
  create sequence tap_hour.fresh; create sequence tap_hour.round cycle maxvalue 10; create sequence tap_hour.busy$$) \gset

create function pg_temp.bytes(relation regclass) returns bigint language sql as $$
  select v.bytes from _wedding_dbopt.relation_size s, unnest(s.relids, s.bytes) as v (relid, bytes) where s.day = '2101-01-01' and v.relid = relation
$$;
create function pg_temp.used(sequence regclass) returns numeric language sql as $$
  select round(v.used::numeric, 4) from _wedding_dbopt.sequence_use s, unnest(s.relids, s.used) as v (relid, used) where s.day = '2101-01-01' and v.relid = sequence
$$;
select dblink_exec('other', 'begin; lock table tap_hour.locked; alter sequence tap_hour.busy rename to busier') \gset
select _wedding_dbopt.sample_sizes('2101-01-01 01:00Z') \gset
select is(pg_temp.bytes('tap_hour.things'), pg_table_size('tap_hour.things'), 'the real size of a table');
select is(pg_temp.bytes('tap_hour.things_pkey'), pg_relation_size('tap_hour.things_pkey'), 'and of an index');
select is(pg_temp.bytes('tap_hour.locked'), null, 'what is locked is null');
select is((select reason from _wedding_dbopt.collect_log where at = '2101-01-01 01:00Z' and source = 'sizes'), '1 relations were locked', 'and the log says so');
select _wedding_dbopt.sample_sequences('2101-01-01 01:00Z') \gset
select is(pg_temp.used('tap_hour.plain'), 0.5, 'half of a smallint sequence');
select is(pg_temp.used('tap_hour.narrow'), 0.9313, 'a sequence ends where the column that it feeds ends');
select is(pg_temp.used('tap_hour.down'), 0.9, 'one that counts down');
select is(pg_temp.used('tap_hour.fresh'), 0.0, 'one that was never asked');
select is(pg_temp.used('tap_hour.round'), null, 'one that cycles never ends');
select is(pg_temp.used('tap_hour.busy'), null, 'what is being altered so that nobody may read it is null');
select is((select reason from _wedding_dbopt.collect_log where at = '2101-01-01 01:00Z' and source = 'sequences'), '1 sequences were locked', 'and the log says so');
select dblink_exec('other', 'rollback') \gset
select is_empty($$select l.relation::regclass from pg_locks l join pg_class c on c.oid = l.relation
                  where l.pid = pg_backend_pid() and c.relnamespace = 'tap_hour'::regnamespace and c.relkind = 'S'$$, 'no lock on a sequence is kept');
select is((select severity from wedding_dbopt.health('2101-01-01 01:05Z') where check_name = 'integer_overflow' and object like 'tap_hour.%' and finding like '%(93.1 \%)%'),
  'critical', 'health() warns of a column whose sequence is near its end');

select _wedding_dbopt.sample_sizes('2101-01-01 02:00Z'), _wedding_dbopt.sample_sequences('2101-01-01 02:00Z') \gset
select is((select count(*) from _wedding_dbopt.relation_size where day = '2101-01-01') + (select count(*) from _wedding_dbopt.sequence_use where day = '2101-01-01'), 2::bigint, 'a day has one row');
select isnt(pg_temp.bytes('tap_hour.locked'), null, 'the last of the day counts');
insert into _wedding_dbopt.relation_size values ('2097-01-01', '2097-01-01Z', '{}', '{}'), ('2099-01-01', '2099-01-01Z', '{}', '{}');
select _wedding_dbopt.sample_sizes('2101-01-01 03:00Z') \gset
select results_eq($$select day from _wedding_dbopt.relation_size where day between '2090-01-01' and '2100-12-31'$$, $$values (date '2099-01-01')$$, 'a day goes with daily_retention');
select is((select count(*) from _wedding_dbopt.collect_log where at = '2101-01-01 02:00Z'), 0::bigint, 'nothing locked, nothing to say');
select * from finish();
rollback;
select dblink_exec('other', 'drop schema tap_hour cascade') \gset
select dblink_disconnect('other') \gset
