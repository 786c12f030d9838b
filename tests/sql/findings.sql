begin;
select plan(36);
select wedding_dbopt.set_setting('findings_time_limit', '1 h');  -- every check runs here, however slow the machine is

create schema tap;
create table tap.weddings (id bigint primary key);
create table tap.guests (id bigint primary key, wedding_id bigint references tap.weddings, "Table" int4);

select results_eq($$select key, severity, remedy from wedding_dbopt.findings() where object like 'tap.%'$$,
  $$values ('unindexed_foreign_key:tap.guests.wedding_id', 'info', 'create index concurrently on tap.guests (wedding_id)')$$,
  'a foreign key without an index is found, with the statement that mends it');
select ok(auto and action_type = 'index_creation' and title = 'A foreign key without an index', 'title and deed come from the registry')
  from wedding_dbopt.findings() where object = 'tap.guests.wedding_id';
select is_empty($$select * from wedding_dbopt.findings('warning') where object like 'tap.%'$$, 'min_severity leaves out what is less');
select throws_ok($$select * from wedding_dbopt.findings('grave')$$, '22023', 'min_severity must be critical, warning or info', 'an unknown severity is refused');

create index guests_wedding on tap.guests (wedding_id);
create index "Guests' wedding" on tap.guests (wedding_id);
create index guests_both on tap.guests (wedding_id, "Table");
create index guests_down on tap.guests (wedding_id desc);
create index guests_some on tap.guests (wedding_id) where "Table" > 1;
create index guests_hash on tap.guests using hash (wedding_id);
create unique index guests_unique on tap.guests ("Table");
create index guests_expression on tap.guests ((wedding_id + 1));
create index guests_expression_too on tap.guests (  (   wedding_id+1));
select set_eq($$select indexrelid::regclass::text, covered_by::regclass::text, is_equal from _wedding_dbopt.redundant_indexes()
                where indexrelid::regclass::text like 'tap.%'$$,
  $$values ('tap.guests_wedding', 'tap.guests_both', false), ('tap."Guests'' wedding"', 'tap.guests_both', false),
           ('tap.guests_expression_too', 'tap.guests_expression', true)$$,
  'equal and prefix are redundant; direction, predicate, method and uniqueness make a difference, blanks do not');
select is((select count(*) from wedding_dbopt.findings() where kind = 'redundant_index' and object like 'tap.%'), 3::bigint, 'each redundant index is a finding');
create index guests_both_too on tap.guests (wedding_id, "Table");
create index guests_wide on tap.guests (wedding_id, "Table") include (id);
create view tap.redundant as select indexrelid::regclass::text as extra, covered_by::regclass::text as keeper
  from _wedding_dbopt.redundant_indexes() where indexrelid::regclass::text ~ 'tap.*(guests_both|wedding|wide)';
select set_eq('select * from tap.redundant', $$values ('tap.guests_wedding', 'tap.guests_wide'), ('tap."Guests'' wedding"', 'tap.guests_wide'),
           ('tap.guests_both', 'tap.guests_wide'), ('tap.guests_both_too', 'tap.guests_wide')$$,
  'whatever chain leads there, the one that is named stays itself');
select set_eq($$select count(*) from _wedding_dbopt.redundant_indexes('tap.guests_wedding'::regclass)$$, array[5::bigint], 'asked for one index, those of its table are answered');
update pg_index set indisvalid = false where indexrelid = 'tap.guests_both'::regclass;
select is((select count(*) from tap.redundant where extra = 'tap.guests_both'), 0::bigint, 'what is hidden is not called redundant');
select is((select covered_by::regclass::text from _wedding_dbopt.redundant_indexes('tap.guests_both'::regclass) where indexrelid = 'tap.guests_both'::regclass),
  'tap.guests_wide', 'but it is told whether another does its work when asked for');
update pg_index set indisvalid = true where indexrelid = 'tap.guests_both'::regclass;

-- Only what is there to stay replaces another.
insert into _wedding_dbopt.action (action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at)
values ('index_creation', 'verifying', 'tap', 'guests', 'guests_wide', 'made', '{x}', '{y}', '', 'guest_management', 'low', '2001-06-01Z');
select set_eq('select * from tap.redundant', $$values ('tap.guests_wedding', 'tap.guests_both'), ('tap."Guests'' wedding"', 'tap.guests_both'), ('tap.guests_both_too', 'tap.guests_both')$$,
  'an index on trial replaces none');
update _wedding_dbopt.action set state = 'kept', season = 'wedding' where object_name = 'guests_wide';
select is((select keeper from tap.redundant where extra = 'tap.guests_both'), null, 'nor does one that goes when its season is over');
update _wedding_dbopt.action set season = null, rollback_requested = true where object_name = 'guests_wide';
select is((select keeper from tap.redundant where extra = 'tap.guests_both'), null, 'nor one that is to be undone');
update _wedding_dbopt.action set rollback_requested = false where object_name = 'guests_wide';
select is((select keeper from tap.redundant where extra = 'tap.guests_both'), 'tap.guests_wide', 'one that was judged good does');
update _wedding_dbopt.action set state = 'verifying', object_name = 'guests_both' where object_name = 'guests_wide';
drop index tap.guests_wide;
select set_eq('select * from tap.redundant', $$values ('tap.guests_wedding', 'tap.guests_both_too'), ('tap."Guests'' wedding"', 'tap.guests_both_too'), ('tap.guests_both', 'tap.guests_both_too')$$,
  'of two equal ones that which is there to stay');
delete from _wedding_dbopt.action;
drop view tap.redundant;
drop index tap.guests_both, tap.guests_both_too, tap."Guests' wedding", tap.guests_expression_too;
select is_empty($$select indexrelid::regclass from _wedding_dbopt.redundant_indexes() where indexrelid::regclass::text like 'tap.%'$$,
  'when the others are gone nothing is redundant: one always stays');

-- invalid indexes
create index broken on tap.guests (wedding_id) where "Table" = 7;
create unique index broken_unique on tap.guests ("Table", wedding_id);
update pg_index set indisvalid = false where indexrelid in ('tap.broken'::regclass, 'tap.broken_unique'::regclass);
update pg_index set indisready = false where indexrelid = 'tap.broken_unique'::regclass;
select set_eq($$select object, remedy, reason ~ 'costs writes' as written, reason ~ 'promises nothing' as broken from wedding_dbopt.findings() where kind = 'invalid_index' and object like 'tap.%'$$,
  $$values ('tap.broken', 'reindex index concurrently tap.broken', true, false), ('tap.broken_unique', 'drop index concurrently tap.broken_unique', false, true)$$,
  'an index that was never finished costs no writes, and a unique one is dropped');
drop index tap.broken, tap.broken_unique;

-- unused indexes and the calendar
create table tap.letters (id bigint, body text);
insert into tap.letters select g, md5(g::text) from generate_series(1, 30000) g;
create index letters_body on tap.letters (body);
analyze tap.letters;
insert into _wedding_dbopt.index_use values ('tap.letters_body', 0, '2001-01-01Z');
select is((select count(*) from wedding_dbopt.findings(at => '2001-01-20Z') where kind = 'unused_index'), 0::bigint, 'three weeks are too short');
select is((select count(*) from wedding_dbopt.findings(at => '2001-04-20Z') where kind = 'unused_index'), 0::bigint, 'a window without the wedding season is too short');
select is((select evidence ->> 'definition' from wedding_dbopt.findings(at => '2001-06-20Z') where kind = 'unused_index'),
  'CREATE INDEX letters_body ON tap.letters USING btree (body)', 'with a fortnight of each season it is found, and its definition kept');
update _wedding_dbopt.index_use set scans = -1 where name = 'tap.letters_body';
select is((select count(*) from wedding_dbopt.findings(at => '2001-06-20Z') where kind = 'unused_index'), 0::bigint, 'a scan since the last look makes it used');
select _wedding_dbopt.watch_index_use('2001-06-20 12:00Z');
select is(unused_since, '2001-06-20 12:00Z'::timestamptz, 'a scan begins the wait anew') from _wedding_dbopt.index_use where name = 'tap.letters_body';
update _wedding_dbopt.index_use set scans = 5 where name = 'tap.letters_body';
select _wedding_dbopt.watch_index_use('2001-06-21 12:00Z');
select is(unused_since, '2001-06-20 12:00Z'::timestamptz, 'a reset of the counters is no scan') from _wedding_dbopt.index_use where name = 'tap.letters_body';

-- what it costs
alter table tap.letters set (autovacuum_enabled = false);
alter table tap.guests add constraint never_seen check (id > 0) not valid;
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality, tables)
select v.queryid, oid, 1, true, '2001-06-01Z', 'payment', v.criticality, array[v.touched]
from pg_database, (values (71, 'critical', 'tap.letters'), (72, 'low', 'tap.guests')) as v (queryid, criticality, touched) where datname = current_database();
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, dealloc, entries, ids, calls, exec_us, exec_sq)
select '2001-06-21 11:59Z', '2001-06-21 11:58Z', true, 0, 2, array_agg(id order by queryid), '{10,10}', '{1000000,4000000}', '{0,0}'
from _wedding_dbopt.statement where first_seen = '2001-06-01Z';
select is(cost_share, 0.8, 'cost is the share of the time, weighted by criticality: 1000 ms x 4 against 4000 ms x 0.25')
  from wedding_dbopt.findings(at => '2001-06-21 12:00Z') where key = 'autovacuum_off_for_table:tap.letters';
select is(cost_share, 0.2, 'the other table has the rest')
  from wedding_dbopt.findings(at => '2001-06-21 12:00Z') where key = 'unvalidated_constraint:tap.guests.never_seen';

-- a check on what was stored
insert into _wedding_dbopt.lock_sample (at, waiting, longest_wait_s) values ('2001-06-21 11:50Z', 12, 31.5), ('2001-06-21 11:40Z', 99, 300);
select is((select reason from wedding_dbopt.findings(at => '2001-06-21 12:00Z') where key = 'lock_pile_up:locks'),
  'In the last 15 minutes up to 12 sessions waited for a lock at once, the longest 31.5 s.', 'a pile-up of the last quarter of an hour');
select is_empty($$select from wedding_dbopt.findings(at => '2001-06-21 12:30Z') where kind = 'lock_pile_up'$$, 'an old one says nothing');

-- a check that fails
create or replace function _wedding_dbopt.check_keys(at timestamptz) returns setof _wedding_dbopt.finding
language plpgsql stable set search_path = pg_catalog, pg_temp as $$ begin raise exception 'it broke' using errcode = 'XX001'; end $$;
select is((select array[severity, reason, evidence ->> 'sqlstate'] from wedding_dbopt.findings() where key = 'check_failed:check_keys'),
  '{warning,"The check check_keys gave nothing: it broke",XX001}', 'a check that fails is itself reported');
select is((select count(*) from wedding_dbopt.findings() where key = 'autovacuum_off_for_table:tap.letters'), 1::bigint, 'and the others stay');

-- no time
select wedding_dbopt.set_setting('findings_time_limit', '0 s');
select is((select array_agg(kind || ': ' || array_to_string(array(select jsonb_array_elements_text(evidence -> 'checks') limit 5), ' ')) from wedding_dbopt.findings()),
  '{"checks_not_run: check_settings check_collection check_vacuum check_replication check_sessions"}',
  'without time the page says that it is empty for want of time; what is a danger would have come first');
select wedding_dbopt.set_setting('findings_time_limit', '1 h');

-- since when
do $$ declare day timestamptz; begin
  foreach day in array '{2001-06-21 12:00Z,2001-06-22 12:00Z}'::timestamptz[] loop
    while _wedding_dbopt.remember_findings(day) loop null; end loop;
  end loop;
end $$;
select is(first_seen, '2001-06-21 12:00Z'::timestamptz, 'maintain() notes since when a finding is there')
  from wedding_dbopt.findings(at => '2001-06-22 13:00Z') where key = 'autovacuum_off_for_table:tap.letters';
alter table tap.letters reset (autovacuum_enabled);
select is((select count(*) from wedding_dbopt.findings() where key = 'autovacuum_off_for_table:tap.letters'), 0::bigint, 'mended is gone');

create role tap_reader;
select wedding_dbopt.grant_access('tap_reader', 'read');
create schema auth;  -- he may not use this one, nor pg_cron's
create table auth.users (id bigint primary key);
delete from _wedding_dbopt.collect_log;  -- before the first pass more is asked
set local role tap_reader;
select is((select string_agg(concat_ws(': ', key, reason), E'\n') from wedding_dbopt.findings() where kind = 'check_failed' and key <> 'check_failed:check_keys'), null,
  'a reader''s page fails nowhere');
select is((select remedy from wedding_dbopt.findings() where kind = 'collection'), 'select * from wedding_dbopt.check_installation()',
  'and does not call jobs missing that he may not see');
select is((select remedy from wedding_dbopt.findings() where kind = 'limited_view'), 'grant pg_monitor to tap_reader', 'but says what he cannot see');
reset role;
set transaction read only;
select lives_ok('select * from wedding_dbopt.findings()', 'it works in a read-only transaction');
select * from finish();
rollback;
