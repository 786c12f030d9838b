-- Season-only actions: bound by what was observed, undone after the season, back before the next (F8); surges ask for a run (E66, E67, E69).
begin;
select plan(24);
update _wedding_dbopt.setting set value = 'UTC' where name = 'time_zone';
create function pg_temp.indexes() returns text language sql as $$
  select string_agg(format('%s %s %s', a.object_name, a.state, a.rollback_requested), ', ' order by a.id) from _wedding_dbopt.action a where a.table_name = 'bookings' $$;

-- A year of days: statement 70001 works in the wedding season only, 70002 all year, twice as much in the season.
insert into _wedding_dbopt.statement (id, queryid, dbid, userid, toplevel, first_seen, kind, tables, context, criticality, classified_at) overriding system value
select n, n, 1, 10, true, '2001-01-01Z', 'select', '{}', 'booking', 'critical', '2001-01-01Z' from generate_series(70001, 70002) n;
insert into _wedding_dbopt.rolled_day (day, until, passes) select d, d + interval '1 day', 1440 from generate_series('2001-03-01Z'::timestamptz, '2001-07-31Z', '1 day') d;
insert into _wedding_dbopt.statement_day (day, chunk, ids, calls, exec_us, exec_sq)
select d, 70001 / 64, '{70001,70002}', '{100,100}', case when d >= '2001-05-01Z' then '{1000000,2000000}' else '{20000,1000000}' end::bigint[], '{1,1}'
from generate_series('2001-03-01Z'::timestamptz, '2001-07-31Z', '1 day') d;
insert into _wedding_dbopt.tuning_run (id, trigger, requested_by, requested_at, level, season_mode, state, options) overriding system value
values (70001, 'surge', 'tap', '2001-08-01Z', 'moderate', true, 'finished',
        '{"triggers": [{"context": "booking", "reason": "surge: 9.6 times the usual"}, {"context": "vendor_search", "reason": "high load"}]}');
insert into _wedding_dbopt.recommendation (fingerprint, run_id, kind, schema_name, table_name, object_name, sql, rollback_sql, benefits, context, criticality, priority, reason, created_at, updated_at, expires_at)
select 'f' || n, 70001, 'index_creation', 'public', 'bookings', 'i' || n, array['create index i' || n], array['drop index i' || n],
  jsonb_build_array(jsonb_build_object('statement_id', n)), 'booking', 'critical', 'high', 'planted', '2001-08-01Z', '2001-08-01Z', '2002-08-01Z' from generate_series(70001, 70002) n;
select is(_wedding_dbopt.bind_to_season(70001, '2001-08-01Z'), 1, 'one of two ideas');
select is((select array_agg(r.season order by r.id) from _wedding_dbopt.recommendation r where r.run_id = 70001), '{wedding,NULL}', 'is bound to the season outside which it does nothing');
update _wedding_dbopt.recommendation set season = null where run_id = 70001;
select is(_wedding_dbopt.bind_to_season(70001, '2001-05-10Z'), 0, 'nothing is, before a fortnight of the season was seen');
select is(_wedding_dbopt.bind_to_season(70001, '2003-08-01Z'), 0, 'nor by what is long ago');

insert into _wedding_dbopt.action (id, run_id, recommendation_id, action_type, state, object_kind, schema_name, table_name, object_name, season, description, sql, rollback_sql, locks,
  wedding_context, criticality, estimated_impact, measured_impact, created_at, applied_at) overriding system value
select r.id - 1000000, 70001, r.id, r.kind, 'kept', 'index', r.schema_name, r.table_name, r.object_name, case when r.object_name = 'i70001' then 'wedding' end, 'index for ' || r.object_name,
  r.sql, r.rollback_sql, 'none', 'booking', 'critical', 60, 55, '2001-08-01Z', '2001-08-01Z' from _wedding_dbopt.recommendation r where r.run_id = 70001;
create temporary table shown as select _wedding_dbopt.season_optimizations(70001) as s;
select is(array(select e ->> 'duration' from shown, jsonb_array_elements(s) e), '{wedding_season,permanent,permanent}', 'durations (E69)') from shown;
select is(s #>> '{0,description}', 'index for i70001', 'description (E69)') from shown;
select is(array[s #>> '{0,optimization_type}', s #>> '{0,impact_estimate}', s #>> '{0,measured_impact}'], '{index_creation,60,55}', 'type and impact (E69)') from shown;
select matches(s #>> '{1,reason}', '^surge: 9.6', 'the surge led to an action on bookings (E66)') from shown;
select is(s #>> '{2,description}', 'no index was found that would help', 'and high vendor search says what came of it (E67)') from shown;
update _wedding_dbopt.action set run_id = null where object_name like 'i7%';
select matches(_wedding_dbopt.season_optimizations(70001) #>> '{0,description}', '^exists already: public.i70001, public.i70002', 'what an earlier run made exists already (E66)');

select _wedding_dbopt.turn_season('2001-10-31 23:00Z');
select is(pg_temp.indexes(), 'i70001 kept f, i70002 kept f', 'on the last day of the season nothing changes');
select _wedding_dbopt.turn_season('2001-11-01 00:00Z');
select is(pg_temp.indexes(), 'i70001 kept t, i70002 kept f', 'then the season-only action is to be undone, the other stays');
select _wedding_dbopt.change_action((select a.id from _wedding_dbopt.action a where a.object_name = 'i70001'), 'rolled_back', 'the season is over');
select _wedding_dbopt.turn_season('2002-04-16Z');
select is(pg_temp.indexes(), 'i70001 rolled_back f, i70002 kept f', 'it stays away');
select _wedding_dbopt.turn_season('2002-04-17Z');
select is(pg_temp.indexes(), 'i70001 rolled_back f, i70002 kept f, i70001 approved f', 'until a fortnight before the next season (F8)');
select _wedding_dbopt.turn_season('2002-04-18Z');
select is(pg_temp.indexes(), 'i70001 rolled_back f, i70002 kept f, i70001 approved f', 'and comes once');
select is((select (a.sql, a.rollback_sql, a.season, a.phase, r.trigger, r.state)::text from _wedding_dbopt.action a join _wedding_dbopt.tuning_run r on r.id = a.run_id
           where a.object_name = 'i70001' order by a.id desc limit 1),
  '("{""create index i70001""}","{""drop index i70001""}",wedding,season,season,verifying)', 'from its stored statements, in a run of its own');
select _wedding_dbopt.turn_season('2002-11-01Z');
select is(pg_temp.indexes(), 'i70001 rolled_back f, i70002 kept f, i70001 withdrawn f', 'what was never applied is withdrawn with the season');
update _wedding_dbopt.action set state = 'rolled_back', season_over_at = '2002-11-01Z' where state = 'withdrawn' and object_name = 'i70001';
update _wedding_dbopt.setting set value = 'approve' where name = 'mode.index_creation';
select _wedding_dbopt.turn_season('2003-04-20Z');
select matches(pg_temp.indexes(), 'i70001 proposed f$', 'in mode approve it waits for a person');

-- Surges.
delete from _wedding_dbopt.tuning_run r where not exists (select from _wedding_dbopt.action a where a.run_id = r.id) and not exists (select from _wedding_dbopt.recommendation c where c.run_id = r.id);
update _wedding_dbopt.tuning_run set state = 'finished';
select _wedding_dbopt.queue_surge_run('2003-06-07 09:00Z');
select is((select count(*) from _wedding_dbopt.tuning_run where state = 'queued'), 0::bigint, 'no surge, no run');
insert into _wedding_dbopt.surge (context, began_at, detected_at, factor, usual, basis) values ('booking', '2003-06-07 09:00Z', '2003-06-07 09:02Z', 9.6, 100, 'profile'), ('all', '2003-06-07 09:00Z', '2003-06-07 09:02Z', 4.6, 100, 'profile');
select _wedding_dbopt.queue_surge_run('2003-06-07 09:03Z');
select is((select (r.trigger, r.season_mode, r.options #>> '{triggers,0,context}', jsonb_array_length(r.options -> 'triggers'))::text from _wedding_dbopt.tuning_run r where r.state = 'queued'),
  '(surge,t,booking,1)', 'a surge of bookings asks for a run at once (E66)');
update _wedding_dbopt.tuning_run set state = 'finished' where state = 'queued';
select _wedding_dbopt.queue_surge_run('2003-06-07 09:04Z');
select is((select count(*) from _wedding_dbopt.tuning_run where state = 'queued'), 0::bigint, 'once');
update _wedding_dbopt.surge set ended_at = '2003-06-07 11:00Z';
insert into _wedding_dbopt.context_sample (at, previous_at, context, calls, exec_ms, exec_sq, rows, hit, read)
select '2003-06-07 12:00Z'::timestamptz + n * interval '1 minute', '2003-06-07 11:59Z'::timestamptz + n * interval '1 minute', 'vendor_search', case when n > 58 then 300 else 100 end, 1, 1, 1, 1, 0 from generate_series(1, 60) n;
insert into _wedding_dbopt.statement_sample (at, previous_at, ids, calls, exec_us, exec_sq, hit, read, complete, entries)
select '2003-06-07 12:00Z'::timestamptz + n * interval '1 minute', '2003-06-07 11:59Z'::timestamptz + n * interval '1 minute', '{}', '{}', '{}', '{}', '{}', '{}', true, 0 from generate_series(1, 60) n;
select is((select (t.context, t.urgent)::text from _wedding_dbopt.load_triggers('2003-06-07 13:00Z') t), '(vendor_search,f)', 'three times the usual searches are high load (E67)');
select _wedding_dbopt.queue_surge_run('2003-06-07 13:01Z');
select is((select count(*) from _wedding_dbopt.tuning_run where state = 'queued'), 0::bigint, 'which is looked for in each fifth minute');
select _wedding_dbopt.queue_surge_run('2003-06-07 13:00Z');
select is((select r.options #>> '{triggers,0,reason}' from _wedding_dbopt.tuning_run r where r.state = 'queued'), 'high load: 300 calls a minute, usually 100', 'and asks for a run too');
select * from finish();
rollback;
