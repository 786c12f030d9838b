-- What comes next?
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
select e.id, e.title, e.starts_at, v.name as vendor
from timeline_events e
left join vendors v on v.id = e.vendor_id
where e.wedding_id = :wedding_id and e.status <> 'done'
order by e.starts_at
limit 5;
commit;
