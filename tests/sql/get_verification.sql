begin;
select plan(25);
set local timezone = 'UTC';
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode, state)
values ('rpc', 'tap', '2001-06-05Z', 'moderate', false, 'verifying');
insert into _wedding_dbopt.statement (queryid, dbid, userid, toplevel, first_seen, context, criticality, kind, tables)
select v.queryid, oid, v.userid, true, '2001-06-01Z', 'booking', v.criticality, v.kind, v.tables
from pg_database, (values (1, 1, 'critical', 'select', '{public.tap}'::text[]), (2, 1, 'high', 'update', '{public.tap}'), (3, 1, 'high', 'select', '{public.other}'),
  (4, 2, 'high', 'insert', '{public.other}'), (5, 1, 'high', 'select', '{public.tap,public.other}')) as v(queryid, userid, criticality, kind, tables)
where datname = current_database();
create temporary table st as select id, queryid from _wedding_dbopt.statement where first_seen = '2001-06-01Z';
select _wedding_dbopt.store_texts(array_agg(id), array_agg('tap statement ' || queryid)) from st \g /dev/null
insert into _wedding_dbopt.recommendation
  (fingerprint, kind, schema_name, table_name, sql, benefits, context, criticality, priority, reason, created_at, updated_at, expires_at)
select 'tap', 'index_creation', 'public', 'tap', '{create}', jsonb_build_array(jsonb_build_object('statement_id', id)), 'booking', 'critical', 'high', 'tap',
  '2001-06-05Z', '2001-06-05Z', '2001-07-01Z' from st where queryid = 1;
insert into _wedding_dbopt.action
  (run_id, recommendation_id, action_type, state, object_kind, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality,
   estimated_impact, created_at, started_at, applied_at)
select (select max(id) from _wedding_dbopt.tuning_run), (select id from _wedding_dbopt.recommendation where fingerprint = 'tap'), 'index_creation', 'verifying', 'index', 'public', 'tap', 'tap_index', 'tap deed',
  '{create}', '{drop}', 'none', 'booking', 'critical', 60, '2001-06-05 12:00Z', '2001-06-05 12:00:30Z', '2001-06-05 12:02:10Z';
create temporary table deed as select id from _wedding_dbopt.action where object_name = 'tap_index';

-- A pass each minute: ten calls of each statement; the one that is served halves its time.
insert into _wedding_dbopt.statement_sample (at, previous_at, complete, ids, calls, exec_us, exec_sq, hit, wal_bytes)
select at, at - interval '1 minute', true, array_agg(st.id order by st.id), array_agg(10 order by st.id),
  array_agg(case when st.queryid = 1 and at > '2001-06-05 12:02:10Z' then 50000 else 100000 end order by st.id), array_agg(1200::real order by st.id),
  array_agg(case when st.queryid = 1 and at > '2001-06-05 12:02:10Z' then 40 else 400 end order by st.id), array_agg(case when st.queryid = 2 then 5000 else 0 end order by st.id)
from st, generate_series(timestamptz '2001-06-05 09:00Z', '2001-06-05 12:20Z', interval '1 minute') at group by at;
-- The same weekday hours a day before, and a Sunday, from the hourly sums.
insert into _wedding_dbopt.rolled_hour (hour, passes, observed_s, complete)
select hour, 60, 3600, true from unnest('{2001-06-03 12:00Z,2001-06-04 06:00Z,2001-06-04 12:00Z,2001-06-04 13:00Z}'::timestamptz[]) hour;
insert into _wedding_dbopt.statement_hour (hour, chunk, ids, calls, exec_us, exec_sq, hit)
select hour, (select _wedding_dbopt.chunk_of(min(id)) from st), array[(select id from st where queryid = 1)], '{600}', '{6000000}', '{72000}', '{24000}'
from unnest('{2001-06-03 12:00Z,2001-06-04 06:00Z,2001-06-04 12:00Z,2001-06-04 13:00Z}'::timestamptz[]) hour;

create temporary table span as select w.* from deed, _wedding_dbopt.verification_window(deed.id, '2001-06-05 12:20Z') w;
select is(before_since, '2001-06-05 10:00:30Z', 'twenty minutes after the change two hours before it are compared') from span;
select is(array[by_hours::text, width::text], '{false,NULL}', 'by passes') from span;
select is(touched, '{public.tap}', 'the tables the run touched') from span;
select is((select width from deed, _wedding_dbopt.verification_window(deed.id, '2001-06-05 13:00Z')), '5 minutes', 'later in wider slices');
select ok((select by_hours from deed, _wedding_dbopt.verification_window(deed.id, '2001-06-06 13:00Z')), 'after half a day in hours');
create temporary table subject as select s.*, st.queryid from deed, _wedding_dbopt.verification_subjects(deed.id, '2001-06-05 12:20Z') s join st on st.id = s.statement_id;
select is((select jsonb_object_agg(queryid, role) from subject), '{"1": "affected", "2": "written", "3": "control", "4": "control"}'::jsonb,
  'served, writes to the table, and what cannot be touched; another read of the table is neither');
select is(array[critical::text, weight::text], '{true,4}', 'a critical statement weighs more') from subject where queryid = 1;
create temporary table piece as select p.*, st.queryid from deed, _wedding_dbopt.verification_slices(deed.id, '2001-06-05 12:20Z') p join st on st.id = p.statement_id;
select is(count(*), 17::bigint, 'after: whole intervals since the change') from piece where queryid = 2 and after;
select is(min(begun_s), 50::float8, 'the first of them begins after it') from piece where after;
select is(count(*), 120::bigint, 'before: two hours of passes, none that the build touched') from piece where queryid = 2 and not after;
select is(max(begun_s), -90::float8, 'the last of them ended before it began') from piece where queryid = 2 and not after;
select is(count(*), 2::bigint, 'the same hours of an earlier workday, not the night, not the Sunday') from piece where queryid = 1 and begun_s < -80000;
select is(array[calls::float8, exec_ms, blocks], '{600,6000,24000}', 'hourly sums') from piece where queryid = 1 and begun_s < -80000 limit 1;
select is(array[calls::float8, exec_ms, blocks, hour::float8], '{10,50,40,12}', 'a pass') from piece where queryid = 1 and after limit 1;
select is(max(wal_bytes), 5000::float8, 'WAL counts') from piece where queryid = 2;
create temporary table rule as select r.* from deed, _wedding_dbopt.verification_rules(deed.id, '2001-06-05 12:20Z') r;
select is(array[age_s::text, looks::text, new_data::text, evidence, goal], '{1070,0,true,plan,gain}', 'the rules of an index') from rule;
-- An earlier change on the same table ends what may be compared.
insert into _wedding_dbopt.action
  (action_type, state, object_kind, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at, started_at, applied_at)
values ('index_creation', 'kept', 'index', 'public', 'tap', 'tap_earlier', 'tap', '{create}', '{drop}', 'none', 'booking', 'critical', '2001-06-05 11:00Z', '2001-06-05 11:00Z', '2001-06-05 11:10Z');
select is((select before_since from deed, _wedding_dbopt.verification_window(deed.id, '2001-06-05 12:20Z')), '2001-06-05 11:10Z', 'before begins behind our last change of the table');

update _wedding_dbopt.action set looks = 2, looked_at = '2001-06-05 12:20Z', measured_impact = 50, impact_low = 45, impact_high = 55, verdict = 'kept: 1 of 1',
  judgement = '{"calls": 170, "gain_p_value": 0.0001, "blocks_gain_percent": 90, "drift": 1.02, "control_statements": 2, "same_hours": true, "missing": null}'
where object_name = 'tap_index';
insert into _wedding_dbopt.verification (action_id, statement_id, role, judged_at, before_calls, before_ms, before_blocks, after_calls, after_ms, after_blocks, time_change, time_low, time_high, verdict)
select deed.id, st.id, 'affected', '2001-06-05 12:20Z', 1200, 10, 40, 170, 5, 4, -0.5, -0.55, -0.45, 'improved' from deed, st where queryid = 1;
insert into _wedding_dbopt.statement_plan (statement_id, fingerprint, first_seen, last_seen, cost, shape)
select id, v.* from st, (values ('a', timestamptz '2001-06-05 08:00Z', timestamptz '2001-06-05 12:00Z', 1000, 'Seq Scan'),
  ('b', '2001-06-05 12:10Z', '2001-06-05 12:20Z', 10, 'Index Scan')) v where queryid = 1;
create temporary table page as select wedding_dbopt.get_verification(id) as j from deed;
select is(j ->> 'verdict', 'kept', 'the verdict') from page;
select is(array[j ->> 'measured_percent', j ->> 'measured_low', j ->> 'measured_high', j ->> 'calls'], '{50,45,55,170}', 'gain, interval and number of calls') from page;
select is(j -> 'control', '{"statements": 2, "time_factor": 1.02}'::jsonb, 'the control group') from page;
select is(j #>> '{statements,0,before,plan,shape}', 'Seq Scan', 'the plan before') from page;
select is(j #>> '{statements,0,after,plan,shape}', 'Index Scan', 'and after') from page;
select is(j #>> '{statements,0,time_change_percent}', '-50.00', 'the change of a statement') from page;
select ok(_wedding_dbopt.report_verifications('2001-06-05Z', '2001-06-06Z') ~ 'Before and after: tap deed.*tap statement 1.*improved', 'the report shows the page');
select throws_ok('select wedding_dbopt.get_verification(-1)', '22023', 'there is no action -1', 'an unknown action is refused');
select * from finish();
rollback;
