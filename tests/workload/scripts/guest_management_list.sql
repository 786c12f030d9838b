-- The guest list of a wedding.
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
select g.id, g.full_name, g.side, g.table_number, g.dietary, i.rsvp, i.plus_one
from guests g
left join invitations i on i.guest_id = g.id
where g.wedding_id = :wedding_id
order by g.full_name;
commit;
