begin;
select plan(13);
create schema tap;
create table tap.songs (title text);
create table tap.words (id bigint primary key, starts timestamp);
alter table tap.songs set (autovacuum_enabled = false);
create temporary view shown as select key, symptoms from wedding_dbopt.findings(at => '2001-06-01Z') where object like 'tap.%';

select set_eq('select key from shown',
  array['no_primary_key:tap.songs', 'autovacuum_off_for_table:tap.songs', 'timestamp_without_time_zone:tap.words'], 'three faults');
select is(wedding_dbopt.mute_finding('no_primary_key:tap.songs', 'a list for print') ->> 'key', 'no_primary_key:tap.songs', 'a mute answers');
select set_eq('select key from shown', array['autovacuum_off_for_table:tap.songs', 'timestamp_without_time_zone:tap.words'], 'a muted finding is not shown');
select is((select muted from wedding_dbopt.findings(include_muted => true) where key = 'no_primary_key:tap.songs'), true, 'unless muted ones are asked for');
select is((select muted from wedding_dbopt.findings(include_muted => true) where key = 'timestamp_without_time_zone:tap.words'), false, 'where the others are not marked');
select ok(wedding_dbopt.mute_finding('timestamp_without_time_zone', 'one country only', now() + interval '1 hour') is not null, 'a whole kind, for a time');
select set_eq('select key from shown', array['autovacuum_off_for_table:tap.songs'], 'hides each of the kind');
select is((select count(*) from wedding_dbopt.findings(at => now() + interval '2 hours') where key = 'timestamp_without_time_zone:tap.words'), 1::bigint, 'until the time is over');
select is((select reason from _wedding_dbopt.event where subject = 'finding' and subject_id = 'no_primary_key:tap.songs'), 'a list for print', 'the reason is on record');

select throws_ok($$select wedding_dbopt.mute_finding('nonsense:tap.songs', 'x')$$, '22023', '''nonsense:tap.songs'' is no finding', 'an unknown kind is refused');
select throws_ok($$select wedding_dbopt.mute_finding('no_primary_key:tap.songs', ' ')$$, '22023', 'A mute needs a reason', 'no reason, no mute');
select throws_ok($$select wedding_dbopt.mute_finding('no_primary_key:tap.songs', 'x', '2001-01-01Z')$$, '22023', 'until must be in the future', 'a mute of the past is refused');

-- A muted symptom stays muted when another kind leads.
update pg_class set relpages = 5000, reltuples = 10 where oid = 'tap.songs'::regclass;
select wedding_dbopt.mute_finding('bloated_table:tap.songs', 'known');
select is((select symptoms from shown where key = 'autovacuum_off_for_table:tap.songs'), '{}', 'a muted symptom is not named with its cause');
select * from finish();
rollback;
