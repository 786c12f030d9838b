begin;
select plan(15);
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
values ('rpc', 'tap', '2001-06-01Z', 'moderate', false);
insert into _wedding_dbopt.action
  (run_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality,
   estimated_impact, measured_impact, created_at, applied_at)
select r.id, 'index_creation', v.state, 'public', 'tap', 'tap_' || v.state, 'an index', '{create}', '{drop}', 'none', 'booking', 'critical', 40, v.measured,
  '2001-06-01Z', v.applied_at
from _wedding_dbopt.tuning_run r, (values ('approved', null, null::timestamptz), ('kept', 35.5, '2001-06-01 01:00Z')) as v(state, measured, applied_at)
where r.requested_by = 'tap';
create temporary table result as
  select * from wedding_dbopt.get_actions((select id from _wedding_dbopt.tuning_run where requested_by = 'tap'));
select is(count(*), 2::bigint, 'the actions of one run') from result;
select is(array[sql_executed, sql], '{NULL,create}', 'nothing was executed before it is applied') from result where state = 'approved';
select is(sql_executed, 'create', 'then it was') from result where state = 'kept';
select is(array[estimated_impact, measured_impact], '{40,35.5}', 'estimate and measurement are two figures') from result where state = 'kept';
select is((select count(*) from wedding_dbopt.get_actions(state => 'kept') where table_name = 'tap'), 1::bigint, 'by state');
select throws_ok($$select * from wedding_dbopt.get_actions(state => 'lost')$$, '22023', 'unknown state ''lost''', 'an unknown state is refused');
select is(waits_for, 'the next tick', 'nothing keeps it') from result where state = 'approved';
create function pg_temp.waits() returns text language sql as $$select waits_for from wedding_dbopt.get_actions() where table_name = 'tap' order by id limit 1$$;
select _wedding_dbopt.change_action(id, 'approved', 'postponed: freeze saturdays: wedding day') from _wedding_dbopt.action where table_name = 'tap' and state = 'approved' \g /dev/null
select is(pg_temp.waits(), 'freeze saturdays: wedding day', 'why an approved action waits');
update _wedding_dbopt.setting set value = 'off' where name = 'enabled';
select is(pg_temp.waits(), 'resume(): the tuner is paused', 'a pause comes before all else');
update _wedding_dbopt.setting set value = 'on' where name = 'enabled';
update _wedding_dbopt.action set state = 'verifying', judgement = '{"missing": "1740 s of the shortest window are left"}' where table_name = 'tap' and state = 'approved';
select is(pg_temp.waits(), '1740 s of the shortest window are left', 'what a judgement lacks');
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode) values ('rpc', 'other', '2001-06-01Z', 'moderate', false);
insert into _wedding_dbopt.action
  (run_id, action_type, state, schema_name, table_name, object_name, description, sql, final_sql, rollback_sql, locks, wedding_context, criticality, verdict, created_at, applied_at)
select id, 'index_drop', 'verifying', 'public', 'tap', 'tap_hidden', 'an index', '{hide}', '{drop}', '{show}', 'none', 'booking', 'critical', 'kept: nobody missed it', '2001-06-01Z', '2001-06-01 01:00Z'
from _wedding_dbopt.tuning_run where requested_by = 'other';
create function pg_temp.hidden_waits() returns text language sql as $$select waits_for from wedding_dbopt.get_actions() where object_name = 'tap_hidden'$$;
select matches(pg_temp.hidden_waits(), '^action \d+ \(index_creation\) on the same object is not judged yet$', 'a drop waits for what is under judgement beside it');
update _wedding_dbopt.action set state = 'proposed' where table_name = 'tap' and state = 'verifying' and object_name <> 'tap_hidden';
select is(pg_temp.hidden_waits(), format('its last step, at %s at the earliest (hidden_index_window)', timestamptz '2001-06-04 01:00Z'), 'and for its time');
delete from _wedding_dbopt.action where object_name = 'tap_hidden';
update _wedding_dbopt.action set verdict = 'kept: 1 of 1 statements improved' where table_name = 'tap' and state = 'kept';
select _wedding_dbopt.change_action(id, 'rolled_back', 'rolled back on request') from _wedding_dbopt.action where table_name = 'tap' and state = 'kept' \g /dev/null
select is((select verdict from wedding_dbopt.get_actions(state => 'rolled_back') where table_name = 'tap'),
  'rolled_back: rolled back on request (measured until then: kept: 1 of 1 statements improved)', 'a verdict that did not stand is not shown as if it did');
update _wedding_dbopt.action set verdict = null where table_name = 'tap' and state = 'rolled_back';
select is((select verdict from wedding_dbopt.get_actions(state => 'rolled_back') where table_name = 'tap'),
  'rolled_back: rolled back on request', 'what was never measured is not said to be');
select is((select count(waits_for) from wedding_dbopt.get_actions(state => 'rolled_back') where table_name = 'tap'), 0::bigint, 'what is over waits for nothing');
select * from finish();
rollback;
