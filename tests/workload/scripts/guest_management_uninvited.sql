-- Who is on the list and has no invitation yet?
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
select id, full_name
from guests
where wedding_id = :wedding_id
    and id not in (select guest_id from invitations where wedding_id = :wedding_id)
order by full_name;
commit;
