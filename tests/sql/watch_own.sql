begin;
select plan(2);
insert into _wedding_dbopt.action (action_type, state, description, sql, rollback_sql, locks, wedding_context, criticality, created_at, finished_at, verdict)
values ('index_creation', 'verifying', 'planted', '{create}', '{drop}', 'none', 'booking', 'critical', '2001-04-01Z', null, 'undecided: 60 s are left');
select _wedding_dbopt.change_action(a.id, 'rolled_back', 'rolled back on request') from _wedding_dbopt.action a where a.description = 'planted';
update _wedding_dbopt.action set finished_at = '2001-04-01 12:00Z' where description = 'planted';
create temporary table told as
select w.message from _wedding_dbopt.watch_own('2001-04-01 12:01Z') w where w.kind = 'action_failed';
select is((select count(*) from told), 1::bigint, 'an action that was undone is told of');
select matches((select message from told), 'was rolled back: rolled back on request$', 'with the reason, not with the verdict that was still open');
select * from finish();
rollback;
