begin;
select plan(3);
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
values ('rpc', 'tap', '2001-06-01Z', 'moderate', false);
insert into _wedding_dbopt.action
  (run_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at)
select r.id, 'index_creation', v.state, 'public', 'tap', 'tap_' || v.state, 'an index', '{create}', '{drop}', 'none', 'booking', 'critical', '2001-06-01Z'
from _wedding_dbopt.tuning_run r, (values ('proposed'), ('approved'), ('kept'), ('failed')) as v(state) where r.requested_by = 'tap';
create function pg_temp.tap(state text) returns bigint language sql as 'select id from _wedding_dbopt.action where object_name = ''tap_'' || $1';
select is(
  (select jsonb_agg(a -> 'state') from jsonb_array_elements(wedding_dbopt.rollback_run(
    (select id from _wedding_dbopt.tuning_run where requested_by = 'tap')) -> 'actions') a),
  '["failed", "rollback requested", "withdrawn", "withdrawn"]', 'every action, the last first');
select is((select count(*) from _wedding_dbopt.action where table_name = 'tap' and state = 'withdrawn'), 2::bigint, 'and the rows say so');
select throws_ok('select wedding_dbopt.rollback_run(-1)', 'P0002', 'There is no tuning run -1', 'an unknown run is named');
select * from finish();
rollback;
