-- The coordinator moves an event on.
\set event random(1, :timeline_events)
\set wedding 1 + (:event - 1) % :weddings
select workload.id('timeline_event', :event) as event_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
update timeline_events
set status = 'in_progress', updated_at = now()
where id = :event_id
returning id, status;
commit;
