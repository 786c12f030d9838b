begin;
select plan(28);
create temporary table empty as select wedding_dbopt.get_capacity('2001-05-01Z') as j;
select is(j #> '{basis,passes}', '0', 'without samples nothing is known') from empty;
select is(j -> 'ends_first', 'null', 'and nothing is said to end') from empty;
select ok(bool_and(r ->> 'ends_at_factor' is null and r ->> 'ends_at' is null and coalesce(length(r ->> 'reason'), 0) > 10), 'each resource says why') from empty, jsonb_array_elements(j -> 'resources') r;
select is(jsonb_path_query_array(j, '$.at_load[*].disk_full_at'), '[null, null, null, null]', 'and no day is named on which the disk is full') from empty;

-- Two hours: load rises from 600 to 1200 calls a minute; each call 50 ms; CPU 10 % at rest and 20 % per 600 calls.
insert into _wedding_dbopt.context_sample (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read)
select at, at - interval '1 minute', 'booking', 600 + 5 * n, 50 * (600 + 5 * n), 1, 1, 1, 1
from generate_series(0, 120) n, lateral (select timestamptz '2001-05-10 10:00Z' + n * interval '1 minute') t(at);
insert into _wedding_dbopt.system_sample (at, cpu_percent, cpus, memory_total, memory_available, backend_memory, disk_total, disk_free)
select at, 10 + (600 + 5 * n) / 30.0, 4, 16e9, 6e9, 10e6, 100e9, 40e9
from generate_series(0, 120) n, lateral (select timestamptz '2001-05-10 10:00Z' + n * interval '1 minute') t(at);
insert into _wedding_dbopt.connection_sample
  (at, samples, active, idle, idle_in_transaction, waiting, total, active_avg, idle_in_transaction_avg, total_max, max_connections, reserved, by_role, wait_events)
select at, 6, 1, 38, 0, 0, 40, 0.5, 0.25, 40, 103, 3, '{"web": {"active_avg": 0.75}, "api": {"active_avg": 0.25}}', '{"IO:DataFileRead": 3, "Lock:tuple": 9}'
from generate_series(0, 120) n, lateral (select timestamptz '2001-05-10 10:00Z' + n * interval '1 minute') t(at);
insert into _wedding_dbopt.relation_size (day, at, relids, bytes)
select date '2001-05-01' + n, timestamptz '2001-05-01 06:00Z' + n * interval '1 day', '{1,2}', array[10e9 + n * 1e9, 5e9 + n * 1e9] from generate_series(0, 9) n
on conflict (day) do update set at = excluded.at, relids = excluded.relids, bytes = excluded.bytes;
insert into _wedding_dbopt.sequence_use (day, at, relids, used)
select date '2001-05-01' + n, timestamptz '2001-05-01 06:00Z' + n * interval '1 day', array['_wedding_dbopt.surge_id_seq'::regclass::oid], array[0.5 + n * 0.005] from generate_series(0, 9) n
on conflict (day) do update set at = excluded.at, relids = excluded.relids, used = excluded.used;
create temporary table found as select wedding_dbopt.get_capacity('2001-05-10 12:00Z') as j;
create function pg_temp.resource(name text) returns jsonb language sql as $$ select r from found, jsonb_array_elements(j -> 'resources') r where r ->> 'resource' like name $$;
create function pg_temp.at(factor numeric) returns jsonb language sql as $$ select r from found, jsonb_array_elements(j -> 'at_load') r where (r ->> 'factor')::numeric = factor $$;

select is(round((j #>> '{basis,busiest_calls_per_minute}')::numeric), 1190::numeric, 'the busiest five minutes decide') from found;
select is(round((j #>> '{basis,busy_sessions}')::numeric, 2), 0.99::numeric, 'busy sessions by Little''s law: 1190 calls of 50 ms a minute') from found;
select is(j #>> '{basis,sessions_held_in_transactions}', '0.250', 'and those that hold a transaction') from found;
select is(round((j #>> '{basis,cpu_percent_at_rest}')::numeric), 10::numeric, 'what the machine does at rest is the line through the minutes') from found;
select is(pg_temp.resource('connections') -> 'ends_at_factor', '2.50', '40 of 100 usable connections');
select is(round((pg_temp.resource('cpu') ->> 'ends_at_factor')::numeric, 1), 2.0, 'CPU: 80 percent above rest against 40 now');
select is(pg_temp.resource('memory') -> 'ends_at_factor', '16.00', 'memory: 6 GB for connections of 10 MB');
select ok((pg_temp.resource('pool') ->> 'ends_at_factor')::numeric between 60 and 68, 'behind a pooler 100 connections carry more than sixty times the sessions');
select is(pg_temp.resource('io') -> 'used', '0.500', 'sessions that wait for I/O are counted');
select ok(pg_temp.resource('io') ->> 'reason' like '%not known%', 'and nothing is claimed of the storage');
select is((pg_temp.resource('disk') ->> 'ends_at')::timestamptz, timestamptz '2001-05-30 12:00Z', 'the disk: 40 GB at 2 GB a day');
select is((pg_temp.resource('sequence%') ->> 'ends_at')::timestamptz, timestamptz '2001-08-09 12:00Z', 'the sequence: 45.5 percent at half a percent a day');
select is(j #>> '{ends_first,resource}', 'cpu', 'the CPU ends first') from found;
select is(j #>> '{ends_first_behind_a_pooler,resource}', 'cpu', 'a pooler does not help that') from found;
select is(pg_temp.at(4) -> 'connections_needed', '160', 'connections at four times the load');
select is(pg_temp.at(10) -> 'connections_missing', '300', 'and at ten times, above the usable');
select is(pg_temp.at(5) -> 'ends', '["cpu", "connections"]', 'what ends before five times, in order');
select is(pg_temp.at(4) -> 'cpus_needed', '8', 'processors for four times: 170 percent of 4 at 90 percent each');
select is(pg_temp.at(10) -> 'pool_size', '20', 'a pool for 12.4 busy ones: and twice the root');
select is((pg_temp.at(4) ->> 'disk_full_at')::timestamptz, timestamptz '2001-05-15 12:00Z', 'four times the load fills the disk four times as fast');
select is(pg_temp.at(1) -> 'ends', '[]', 'today''s load is carried');
select is(j #> '{pgbouncer,max_db_connections}', '100', 'PgBouncer: the usable connections') from found;
select is(j #> '{pgbouncer,by_role}', '{"web": 3, "api": 2}', 'pools by role, by their share of the busy sessions') from found;
select ok((j #>> '{pgbouncer,reserve_pool_size}')::integer + (j #>> '{pgbouncer,default_pool_size}')::integer = 20, 'with the reserve it carries ten times the load') from found;
select * from finish();
rollback;
