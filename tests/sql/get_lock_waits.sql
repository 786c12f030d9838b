begin;
select plan(12);
create extension if not exists dblink;
create function pg_temp.session(name text) returns text language sql as $$
  select dblink_connect(name, format('host=%s port=%s dbname=%s user=%s',
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database(), current_user))
$$;
select _wedding_dbopt.sample_locks('2101-01-01 00:00Z') \gset
select is_empty($$select from _wedding_dbopt.lock_sample where at = '2101-01-01 00:00Z'$$, 'nobody waits: nothing is stored');

-- One session blocks a second one, which blocks a third one: the first is the root of both.
select string_agg(pg_temp.session(name), ' ') from unnest(array['root', 'middle', 'leaf']) name \gset
select dblink_exec('root', 'create table public.tap_blocked (id int primary key); insert into public.tap_blocked values (1), (2)') \gset
select dblink_exec('root', 'begin; update public.tap_blocked set id = id where id = 1') \gset
select dblink_exec('middle', 'begin; update public.tap_blocked set id = id where id = 2') \gset
select dblink_send_query('middle', 'update public.tap_blocked set id = id where id = 1') \gset
select dblink_send_query('leaf', 'update public.tap_blocked set id = id where id = 2') \gset
do $$begin
  for attempt in 1 .. 500 loop
    exit when (select count(*) from pg_locks where not granted) >= 2;
    perform pg_sleep(0.01);
  end loop;
end$$;
select pg_stat_clear_snapshot() \gset
select _wedding_dbopt.sample_locks(clock_timestamp() + interval '80 years') \gset
create temporary table waited as select * from wedding_dbopt.get_lock_waits('1 hour', 100, clock_timestamp() + interval '80 years');
select is((select count(*) from waited), 1::bigint, 'one root');
select is(blocked_sessions, 2, 'two sessions stand behind it, one of them indirectly') from waited;
select is(blocker_state, 'idle in transaction', 'its state is told') from waited;
select is(blocker_pid, (select a.pid from pg_stat_activity a where a.state = 'idle in transaction' and a.query like '%tap_blocked%where id = 1'), 'and who it is') from waited;
select ok(query_hash is not null and blocker_role = current_user, 'and the statement that it ran') from waited;
select cmp_ok(longest_wait, '>', 0.0, 'the longest wait') from waited;
select is((select waiting from _wedding_dbopt.lock_sample order by at desc limit 1), 2, 'all that wait are counted');
select is(lock_mode, 'ShareLock', 'the mode that is waited for') from waited;
select string_agg(dblink_cancel_query(name), ' ') from unnest(array['middle', 'leaf']) name \gset
select string_agg(dblink_disconnect(name), ' ') from unnest(array['middle', 'leaf']) name \gset
select dblink_exec('root', 'rollback; drop table public.tap_blocked') \gset
select dblink_disconnect('root') \gset

select is_empty($$select from wedding_dbopt.get_lock_waits('1 hour', 100, '2099-01-01Z')$$, 'without samples there is nothing');
select throws_ok($$select wedding_dbopt.get_lock_waits('0 hours')$$, '22023', 'time_window must be positive', 'an empty window is refused');
select throws_ok($$select wedding_dbopt.get_lock_waits(limit_count => 0)$$, '22023', 'limit_count must be positive', 'no rows are refused');
select * from finish();
rollback;
