-- The procedure commits, so these rows stay in the throw-away database.
select plan(4);
create table tap (id integer);
insert into _wedding_dbopt.action
  (action_type, state, schema_name, table_name, object_name, description, sql, rollback_sql, locks, wedding_context, criticality, created_at)
values ('index_creation', 'approved', 'public', 'tap', 'tap_index', 'an index', '{CREATE INDEX CONCURRENTLY tap_index ON public.tap (id)}',
        '{DROP INDEX CONCURRENTLY public.tap_index}', 'none', 'booking', 'critical', now());
call wedding_dbopt.process_actions();
select is((select state from _wedding_dbopt.action where object_name = 'tap_index'), 'verifying', 'what is approved is applied');
select has_index('public', 'tap', 'tap_index', 'the index is there');
select wedding_dbopt.rollback_action(id) from _wedding_dbopt.action where object_name = 'tap_index';
call wedding_dbopt.process_actions();
select is((select state from _wedding_dbopt.action where object_name = 'tap_index'), 'rolled_back', 'what is to be undone is undone');
select hasnt_index('public', 'tap', 'tap_index', 'the index is gone');
drop table tap;
delete from _wedding_dbopt.action where object_name = 'tap_index';
select * from finish();
