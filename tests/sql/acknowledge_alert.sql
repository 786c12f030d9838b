begin;
select plan(7);
insert into _wedding_dbopt.alert (key, kind, severity, opened_at, updated_at, value, peak, threshold, message)
values ('cpu:machine', 'cpu', 'warning', '2001-05-01Z', '2001-05-01Z', 95, 95, 90, 'busy') returning id \gset
select is(wedding_dbopt.acknowledge_alert(:id, 'a backup, until six') ->> 'success', 'true', 'an open alert is acknowledged');
select is(acknowledged_reason || ' ' || (acknowledged_by = current_user), 'a backup, until six true', 'with who and why') from _wedding_dbopt.alert where id = :id;
select is((select to_state || ' ' || reason from _wedding_dbopt.event where subject = 'alert' and subject_id = :'id'), 'acknowledged a backup, until six', 'and an event');
select is((select state from wedding_dbopt.get_alerts() where id = :id), 'acknowledged', 'it stays open');
select throws_ok(format($$select wedding_dbopt.acknowledge_alert(%s, ' ')$$, :id), '22023', 'a reason is needed', 'a reason is needed');
select throws_ok($$select wedding_dbopt.acknowledge_alert(-1, 'x')$$, '22023', 'there is no alert -1', 'an unknown alert is refused');
update _wedding_dbopt.alert set resolved_at = now() where id = :id;
select throws_matching(format($$select wedding_dbopt.acknowledge_alert(%s, 'x')$$, :id), 'is resolved already', 'a resolved one is refused');
select * from finish();
rollback;
