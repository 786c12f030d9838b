-- The couple adds a guest and invites them.
\set wedding random(1, :weddings)
\set number random(1, 1000000)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
insert into guests (wedding_id, full_name, side) values (:wedding_id, 'Guest ' || :number::integer, 'first')
returning id as guest_id \gset
insert into invitations (wedding_id, guest_id, sent_at) values (:wedding_id, :guest_id, now());
commit;
