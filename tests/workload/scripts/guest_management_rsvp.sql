-- A guest answers.
\set guest random(1, :guests)
\set wedding 1 + (:guest - 1) % :weddings
select workload.id('guest', :guest) as guest_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
update invitations set rsvp = 'accepted', responded_at = now() where guest_id = :guest_id;
commit;
