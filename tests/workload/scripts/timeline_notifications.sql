-- The bell: unread notifications and the latest messages.
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
select count(*) from notifications where user_id = :user_id and read_at is null;
select id, sender_id, body, created_at
from messages
where wedding_id = :wedding_id
order by created_at desc
limit 10;
commit;
