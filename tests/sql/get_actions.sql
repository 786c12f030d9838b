begin;
select plan(6);
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
select * from finish();
rollback;
