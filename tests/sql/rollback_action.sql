begin;
select plan(6);
insert into _wedding_dbopt.tuning_run (trigger, requested_by, requested_at, level, season_mode)
values ('rpc', 'tap', '2001-06-01Z', 'moderate', false);
insert into _wedding_dbopt.action
  (run_id, action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at)
select r.id, 'index_creation', v.state, 'public', 'tap', 'tap_' || v.state, 'an index', '{create}', '{drop}', 'none', 'booking', 'critical', '2001-06-01Z'
from _wedding_dbopt.tuning_run r, (values ('proposed'), ('approved'), ('kept'), ('failed')) as v(state) where r.requested_by = 'tap';
create function pg_temp.tap(state text) returns bigint language sql as 'select id from _wedding_dbopt.action where object_name = ''tap_'' || $1';
select is(wedding_dbopt.rollback_action(pg_temp.tap('approved')) ->> 'state', 'withdrawn', 'what is not applied is withdrawn');
select is(wedding_dbopt.rollback_action(pg_temp.tap('approved')) ->> 'state', 'withdrawn', 'twice changes nothing');
select is(wedding_dbopt.rollback_action(pg_temp.tap('kept')) ->> 'state', 'rollback requested', 'what is applied is undone by the next tick');
select is((select rollback_requested from _wedding_dbopt.action where object_name = 'tap_kept'), true, 'which reads the wish from the row');
select is(wedding_dbopt.rollback_action(pg_temp.tap('failed')) ->> 'state', 'failed', 'what has ended stays as it is');
select throws_ok('select wedding_dbopt.rollback_action(null)', 'P0002', 'There is no action null', 'no action is named');
select * from finish();
rollback;
