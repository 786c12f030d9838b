-- How many come?
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
select rsvp, count(*) from invitations where wedding_id = :wedding_id group by rsvp;
select count(*) from guests where wedding_id = :wedding_id;
commit;
