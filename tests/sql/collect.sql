-- Times are given, far in the future, so that the samples of this file are the latest ones; all is rolled back.
begin;
select plan(62);
create extension if not exists dblink;
select dblink_connect('other', format('host=%s port=%s dbname=%s user=%s',
  split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database(), current_user)) \gset
select dblink_exec('other', 'drop table if exists public.tap_collect; create table public.tap_collect (id int primary key)') \gset

create function pg_temp.calls(minute integer) returns bigint language sql as $$
  select coalesce(sum(d.calls), 0)::bigint
  from _wedding_dbopt.statement_delta(timestamptz '2101-01-01Z' + (minute - 1) * interval '1 minute',
                                      timestamptz '2101-01-01Z' + minute * interval '1 minute') d
  join _wedding_dbopt.statement_text t using (statement_id)
  where t.query like 'select id as tap_probe %'
$$;

-- Another pass is running.
select dblink_exec('other', 'begin') \gset
select * from dblink('other', $$select name from _wedding_dbopt.pass_lock where name = 'collect' for update$$) as (name text) \gset
call wedding_dbopt.collect('2101-01-01 00:00Z');
select results_eq($$select source, reason from _wedding_dbopt.collect_log where at = '2101-01-01 00:00Z'$$,
  $$values ('pass', 'skipped')$$, 'a pass is skipped while another one runs');
select dblink_exec('other', 'rollback') \gset

-- Nobody else can make it look so: any role may take an advisory lock, none but the owner this row.
create role tap_operator;
select wedding_dbopt.grant_access('tap_operator', 'operate') \gset
set role tap_operator;
select throws_ok($$select from _wedding_dbopt.pass_lock for key share$$, '42501', null, 'an operator cannot lock the row');
select throws_ok($$lock table _wedding_dbopt.pass_lock in row share mode$$, '42501', null, 'nor its table');
reset role;
drop owned by tap_operator;
drop role tap_operator;
select * from dblink('other', $$select pg_advisory_lock(hashtextextended('wedding_dbopt.collect', 0))::text$$) as (ok text) \gset
select pg_stat_statements_reset() \gset
select id as tap_probe from generate_series(1, 3) as id where id = 1;
select id as tap_probe from generate_series(1, 3) as id where id = 1;
call wedding_dbopt.collect('2101-01-01 00:01Z');
select results_eq($$select source from _wedding_dbopt.collect_log where at = '2101-01-01 00:01Z' and sqlstate is null and duration_ms > 0 order by 1$$,
  $$values ('alerts'), ('connections'), ('contexts'), ('locks'), ('pass'), ('relations'), ('statements'), ('surges'), ('system')$$, 'each source is logged with its duration, whatever advisory locks are held');
select * from dblink('other', 'select pg_advisory_unlock_all()::text') as (ok text) \gset
select is((select count(*) from _wedding_dbopt.collect_log where at = '2101-01-01 00:01Z' and sqlstate is not null), 0::bigint, 'no source failed');

-- Plain growth.
select id as tap_probe from generate_series(1, 3) as id where id = 1;
select id as tap_probe from generate_series(1, 3) as id where id = 2;
select id as tap_probe from generate_series(1, 3) as id where id = 3;
call wedding_dbopt.collect('2101-01-01 00:02Z');
select is(pg_temp.calls(2), 3::bigint, 'calls between two passes are counted exactly');
select is((select rows from _wedding_dbopt.statement_delta('2101-01-01 00:01Z', '2101-01-01 00:02Z')
           join _wedding_dbopt.statement_text t using (statement_id) where query like 'select id as tap_probe %'), 3::bigint, 'and so are rows');
select is((select complete and previous_at = '2101-01-01 00:01Z' from _wedding_dbopt.statement_sample where at = '2101-01-01 00:02Z'), true,
  'an interval without restarts is complete and knows when it began');

-- Nothing ran.
call wedding_dbopt.collect('2101-01-01 00:03Z');
select is(pg_temp.calls(3), 0::bigint, 'a statement that did not run is not stored');

-- The entry was reset, then it ran less often than before.
select pg_stat_statements_reset(0, 0, queryid) from pg_stat_statements where query like 'select id as tap_probe %' \gset
select id as tap_probe from generate_series(1, 3) as id where id = 1;
select id as tap_probe from generate_series(1, 3) as id where id = 2;
call wedding_dbopt.collect('2101-01-01 00:04Z');
select is(pg_temp.calls(4), 2::bigint, 'after a reset of the entry the new calls count, and only they');
select is((select complete from _wedding_dbopt.statement_sample where at = '2101-01-01 00:04Z'), false, 'such an interval is marked incomplete');
select is((select restarted = array[s.id] from _wedding_dbopt.statement_sample, _wedding_dbopt.statement s join _wedding_dbopt.statement_text t on t.statement_id = s.id
           where at = '2101-01-01 00:04Z' and query like 'select id as tap_probe %'), true, 'and names the statement');

-- Everything was reset, then it ran more often than before.
select pg_stat_statements_reset() \gset
select id as tap_probe from generate_series(1, 3) as id where id = 1;
select id as tap_probe from generate_series(1, 3) as id where id = 2;
select id as tap_probe from generate_series(1, 3) as id where id = 1;
select id as tap_probe from generate_series(1, 3) as id where id = 2;
select id as tap_probe from generate_series(1, 3) as id where id = 3;
call wedding_dbopt.collect('2101-01-01 00:05Z');
select is(pg_temp.calls(5), 5::bigint, 'after a reset of everything the new calls count, and only they');
select is((select entries from _wedding_dbopt.statement_sample where at = '2101-01-01 00:05Z'),
  (select count(*)::integer from _wedding_dbopt.statement_last), 'statements that are gone are forgotten');
select is((select count(*) from _wedding_dbopt.statement_delta('2101-01-01Z', '2101-01-02Z')
           where least(calls, exec_ms, rows, hit, read, dirtied, written, temp_read, temp_written, wal_bytes) < 0
              or exec_sq < 0.99999 * exec_ms * exec_ms / calls), 0::bigint, 'no difference is negative, no variance impossible');
select is((select sum(calls)::bigint from _wedding_dbopt.statement_sum('2101-01-01 00:01Z', '2101-01-02Z') s
           join _wedding_dbopt.statement_text t using (statement_id) where query like 'select id as tap_probe %'), (3 + 2 + 5)::bigint,
  'statement_sum adds the same calls');

-- The old counters are lost, as in a crash, but the statistics are not.
truncate _wedding_dbopt.statement_last, _wedding_dbopt.statement_pass;
select id as tap_probe from generate_series(1, 3) as id where id = 1;
call wedding_dbopt.collect('2101-01-01 00:06Z');
select is((select cardinality(ids) || ' ' || complete from _wedding_dbopt.statement_sample where at = '2101-01-01 00:06Z'), '0 false',
  'without the old counters a pass is a base line and stores no differences');

-- Texts.
create role tap_collect_role password 'tap-secret@example.com';
drop role tap_collect_role;
select id as tap_probe from generate_series(1, 3) as id where id::text = 'tap-secret@example.com';
call wedding_dbopt.collect('2101-01-01 00:07Z');
select is((select count(*) from _wedding_dbopt.statement_text where query like '%tap-' || 'secret%'), 0::bigint, 'no literal is stored');
select is(_wedding_dbopt.hide_literals('select 1 from t where a = $1 and b = ''x''''y'' and c = 4915112345'),
  'select 1 from t where a = $1 and b = $2 and c = $3', 'literals in a text that was not normalised are hidden');
select is(_wedding_dbopt.hide_literals(given), kept, description) from (values
  ('/* for john.doe@example.com card 4111-1111-1111-1111 */ select 1 from t -- john' || E'\n' || 'where a/**/= $1 /* don''t */',
   'select 1 from t  ' || E'\n' || 'where a = $1', 'comments are removed'),
  ('select "a--b" from t where b = $1 /*route=''/book'',user=''john''*/ and c = ''x'' -- it''s', 'select "a--b" from t where b = $1   and c = $2',
   'also behind a quoted name, with quotes in them, before literals'),
  ('select ''-- x'', ''/*'', "a--b", "/*" from t where b = ''*/''', 'select $1, $2, "a--b", "/*" from t where b = $3', 'what only looks like one is not'),
  ('select 1 from t where a = $t1$john.doe@example.com$t1$', 'select', 'a tagged literal leaves the keyword'),
  ('select 1 from t where a = $$john''s$$ and b = $1', 'select 1 from t where a = $2 and b = $1', 'a dollar-quoted literal is hidden'),
  ('select "o''hara", e''x'' from t$1 where b = $1 and c = ''y''', 'select "o''hara", $2 from t$1 where b = $1 and c = $3', 'an identifier may hold an apostrophe'),
  ('select /* a /* b */ john */ 1', 'select', 'a nested comment leaves the keyword'),
  ('/* a /* b */ john */ select 1', 'unknown', 'even one that hides the keyword'),
  ('select 1 /* john', 'select', 'so does an open one'),
  ('select e''it\''s john'' -- ''', 'select', 'and a backslash in a string'),
  ('select 0.1234567, a12345, 12345.6e7, 1234 from t where b = ''x', 'select', 'and an open string'),
  ('select 0.1234567, a12345, 12345.6e7, 1234 from t', 'select 0.1234567, a12345, $1, 1234 from t', 'only whole long numbers are hidden'))
  as v(given, kept, description);
select is(length(_wedding_dbopt.stored_text(t.query)) || right(_wedding_dbopt.stored_text(t.query), 4), '100004 ...', 'of a text that nobody reads the beginning is kept')
  from (select 'select * from bookings where id in (' || repeat('$12345, ', 13000) || '$1)') as t (query);
select is(_wedding_dbopt.stored_text('select 1 where a = ''' || repeat('x', 200000) || ''''), 'select', 'and no beginning of a literal');
/* for tap-remark@example.com */ select id as tap_remark from generate_series(1, 3) as id where id < 1;
call wedding_dbopt.collect('2101-01-01 00:07:30Z');
select is((select string_agg(query, '; ') from _wedding_dbopt.statement_text where query like '%tap_' || 'remark%'),
  'select id as tap_remark from generate_series($1, $2) as id where id < $3', 'no comment is stored');
select is((select bool_and(s.own and s.kind = 'utility' and t.query like 'call wedding_dbopt.collect($%)') from _wedding_dbopt.statement s join _wedding_dbopt.statement_text t on t.statement_id = s.id
           join pg_stat_statements p using (queryid, dbid, userid, toplevel)
           where p.query like 'call wedding_dbopt.collect%'), true, 'our own calls are marked');
select is((select bool_and(_wedding_dbopt.is_own(command)) and not _wedding_dbopt.is_own('do $$begin perform ''wedding_dbopt.tick()''; end$$')
           from wedding_dbopt.schedule_jobs()), true, 'so are the jobs of pg_cron, which are nobody''s load');

-- Tables: while another session holds the strongest lock.
select dblink_exec('other', 'insert into public.tap_collect select generate_series(1, 5)') \gset
select * from dblink('other', 'select pg_stat_force_next_flush()::text') as (ok text) \gset
select * from dblink('other', 'select 1') as (one integer) \gset
select dblink_exec('other', 'begin; lock table public.tap_collect') \gset
call wedding_dbopt.collect('2101-01-01 00:08Z');
select dblink_exec('other', 'rollback') \gset
select is((select sum(inserted)::bigint from _wedding_dbopt.table_delta('2101-01-01Z', '2101-01-02Z') where relid = 'public.tap_collect'::regclass),
  5::bigint, 'rows inserted into a table are counted, also while the table is locked');
select is((select count(*) from _wedding_dbopt.index_delta('2101-01-01Z', '2101-01-02Z') where relid = 'public.tap_collect_pkey'::regclass and blks_hit > 0),
  1::bigint, 'and so is the use of its index');
select is((select count(*) from _wedding_dbopt.collect_log where at = '2101-01-01 00:08Z' and reason is not null), 0::bigint, 'the lock made no source fail');

-- An index is dropped: the sums over the table's indexes fall, the table's own counters go on.
select dblink_exec('other', 'create index tap_collect_more on public.tap_collect (id); insert into public.tap_collect select generate_series(6, 7); set enable_seqscan = off') \gset
select * from dblink('other', 'select count(*) from public.tap_collect where id = 3') as (found bigint) \gset
select * from dblink('other', 'select pg_stat_force_next_flush()::text') as (ok text) \gset
select * from dblink('other', 'select 1') as (one integer) \gset
call wedding_dbopt.collect('2101-01-01 00:09Z');
select is((select sum(idx_scan)::bigint from _wedding_dbopt.table_delta('2101-01-01 00:08Z', '2101-01-01 00:09Z') where relid = 'public.tap_collect'::regclass),
  1::bigint, 'a scan of an index counts for its table');
select dblink_exec('other', 'alter table public.tap_collect drop constraint tap_collect_pkey; drop index public.tap_collect_more; insert into public.tap_collect values (8)') \gset
select * from dblink('other', 'select pg_stat_force_next_flush()::text') as (ok text) \gset
select * from dblink('other', 'select 1') as (one integer) \gset
call wedding_dbopt.collect('2101-01-01 00:10Z');
select results_eq($$select inserted, idx_scan, idx_tup_fetch from _wedding_dbopt.table_delta('2101-01-01 00:09Z', '2101-01-01 00:10Z') where relid = 'public.tap_collect'::regclass$$,
  $$values (1::bigint, 0::bigint, 0::bigint)$$, 'when an index is dropped nothing of its table is counted again');
select is((select complete from _wedding_dbopt.table_sample where at = '2101-01-01 00:10Z'), true, 'and it is no restart');

-- Statistics are reset, and the counters do not show it.
create function pg_temp.is_complete() returns boolean language sql as 'select complete from _wedding_dbopt.statement_sample order by at desc limit 1';
select id, id as tap_hidden from generate_series(1, 3) as id where id = 1;
call wedding_dbopt.collect('2101-01-01 00:10:05Z');
select id, id as tap_hidden from generate_series(1, 3) as id where id = 1;
select pg_stat_statements_reset(0, 0, queryid) from pg_stat_statements where query like 'select id, id as tap_hidden %' \gset
call wedding_dbopt.collect('2101-01-01 00:10:15Z');
select is(pg_temp.is_complete(), false, 'an entry that is gone hides what it counted');
call wedding_dbopt.collect('2101-01-01 00:10:25Z');
select is(pg_temp.is_complete(), true, 'the next interval hides nothing');
select pg_stat_statements_reset(0, 0, 1) \gset
call wedding_dbopt.collect('2101-01-01 00:10:35Z');
select is(pg_temp.is_complete(), false, 'somebody who resets statistics is seen');
select dblink_exec('other', 'do $do$ begin perform pg_stat_statements_reset(0, 0, 1); end $do$') \gset
call wedding_dbopt.collect('2101-01-01 00:10:45Z');
select is(pg_temp.is_complete(), false, 'also in a block of code');

-- What an interval can be, between its shortest and longest call.
select is(_wedding_dbopt.is_possible(calls, ms, sq, 2, 10, 1e-6, 1e-6), answer, description) from (values
  (0, 0, 0, true, 'no calls are possible'),
  (-1, 0, 0, false, 'fewer than none are not'),
  (0, 3, 9, false, 'nor time without calls'),
  (3, 14, 108, true, 'two short calls and a long one'),
  (3, 5.9, 12, false, 'calls cannot all be shorter than the shortest'),
  (3, 30.1, 302, false, 'nor longer than the longest'),
  (3, 14, 65, false, 'squares are no fewer than of equal calls'),
  (3, 14, 66, true, 'which are possible'),
  (3, 14, 109, false, 'nor more than of the shortest and the longest'),
  (1, 5, 25, true, 'one call has its own square'))
  as given(calls, ms, sq, answer, description);

-- Connections and system.
select cmp_ok((select total from _wedding_dbopt.connection_sample where at = '2101-01-01 00:08Z'), '>=', 1, 'the other session is counted');
select is((select disk_free > 0 and memory_total > 0 and cpus > 0 and seasons = '{proposal}'
           from _wedding_dbopt.system_sample where at = '2101-01-01 00:08Z'), true, 'the machine is measured and the season noted');
alter function _wedding_dbopt.disk_space(text) rename to disk_space_away;
call wedding_dbopt.collect('2101-01-01 00:30Z');
select is((select disk_total is null and disk_free is null and memory_total > 0 from _wedding_dbopt.system_sample where at = '2101-01-01 00:30Z'), true,
  'a figure of the system that cannot be read is null, never zero');
select is((select sqlstate from _wedding_dbopt.collect_log where at = '2101-01-01 00:30Z' and source = 'system: disk'), '42883', 'and the log says why');

-- A source that fails.
alter function _wedding_dbopt.sample_connections(timestamptz) rename to sample_connections_away;
call wedding_dbopt.collect('2101-01-01 00:31Z');
select results_eq($$select source, sqlstate from _wedding_dbopt.collect_log where at = '2101-01-01 00:31Z' and source not like 'system:%' and sqlstate is not null$$,
  $$values ('connections', '42883')$$, 'a source that fails is logged');
select is((select count(*) from _wedding_dbopt.statement_sample where at = '2101-01-01 00:31Z')
          + (select count(*) from _wedding_dbopt.system_sample where at = '2101-01-01 00:31Z'), 2::bigint, 'and the others go on');

select dblink_exec('other', 'drop table public.tap_collect') \gset
select dblink_disconnect('other') \gset
select * from finish();
rollback;
