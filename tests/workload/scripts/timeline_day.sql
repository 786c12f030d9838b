-- The running order of the wedding day.
\set wedding random(1, :weddings)
select workload.id('wedding', :wedding) as wedding_id, workload.id('user', :wedding) as user_id \gset
begin;
select set_config('request.jwt.claim.sub', :user_id, true);
select wedding_date from weddings where id = :wedding_id \gset
select id, title, location, starts_at, ends_at, status, details
from timeline_events
where wedding_id = :wedding_id and date(starts_at) = :wedding_date
order by starts_at;
commit;
