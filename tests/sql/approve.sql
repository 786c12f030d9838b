begin;
select plan(4);
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
values ('rpc', 'tap', '2001-06-01Z', 'moderate', false);
insert into _wedding_dbopt.action
  (run_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at)
select r.id, 'index_creation', v.state, 'public', 'tap', 'tap_' || v.state, 'an index', '{create}', '{drop}', 'none', 'booking', 'critical', '2001-06-01Z'
from _wedding_dbopt.tuning_run r, (values ('proposed'), ('approved'), ('kept'), ('failed')) as v(state) where r.requested_by = 'tap';
create function pg_temp.tap(state text) returns bigint language sql as 'select id from _wedding_dbopt.action where object_name = ''tap_'' || $1';
select is(wedding_dbopt.approve(pg_temp.tap('proposed')) - 'action_id', '{"success": true, "state": "approved", "sql": "create"}', 'answers with what will be done');
select is((select state from _wedding_dbopt.action where object_name = 'tap_proposed'), 'approved', 'the action is approved');
select throws_ok('select wedding_dbopt.approve(pg_temp.tap(''kept''))', '55000', null, 'only what is proposed can be approved');
select throws_ok('select wedding_dbopt.approve(-1)', 'P0002', 'There is no action -1', 'an unknown action is named');
select * from finish();
rollback;
