-- Dinner is late: everything that is still to come moves by a quarter of an hour.
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
update timeline_events
set starts_at = starts_at + interval '15 minutes',
    ends_at = ends_at + interval '15 minutes',
    updated_at = now()
where wedding_id = :wedding_id and status = 'planned';
commit;
